/**
 * Packed matrices as tensors of a safetensors file.
 *
 * The weight "X.weight" becomes "X.weight.codes" (I32 words), "X.weight.scales", "X.weight.zeros" and
 * "X.weight.codebook" where the format has them; config.json's `quantization_config.tensors` says each one's format and
 * group size, and `quantization_config.codebooks` the values of formats that have their own.
 *
 * What is stored in bytes says so by its type: a codebook U8 (or I8, where there are no zeros), each byte times 2^(bits − 8);
 * scales U8 and zeros I8 beside "X.weight.scale_exponents" and "X.weight.zero_exponents" (U8), a power of two, plus 127, for
 * every 8 groups of a row. Codebooks are those of the rows, one for all, or one for as many rows each, unless
 * "X.weight.codebook_rows" (U8, [rows]) says which one each row has. Outliers are "X.weight.outlier_starts" (U32, [rows + 1]), "outlier_columns" (U16) and
 * "outlier_values" (F16), which are added to the weights.
 *
 * @module
 */
import type { Backend } from "../../compute/backend.ts";
import { CheckpointError } from "../../errors.ts";
import { isObject } from "../../files/json_file.ts";
import type { TensorToWrite } from "../../files/safetensors/write.ts";
import { formats } from "../../formats/formats.ts";
import { exponentsPerRow, fromBytes, toBytes } from "../../matrix/byte_scales.ts";
import { codebookStep, type CodebookType } from "../../matrix/codebook_type.ts";
import { fromFloat32, toFloat32 } from "../../matrix/dtype.ts";
import type { DType } from "../../matrix/dtype.ts";
import { checkFinite } from "../../matrix/finite.ts";
import type { Outliers } from "../../matrix/outliers.ts";
import { groupsPerRow, type PackedMatrix, type ScaleType } from "../../matrix/packed_matrix.ts";
import { wordsPerRow } from "../../matrix/packing.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { OWN_METHOD } from "./quantization_config.ts";

/** What config.json says of the packed tensors of a checkpoint. */
export interface QuantizationConfig {
  /** Always "any4-deno". */
  quant_method: typeof OWN_METHOD;
  /** Format and group size of each packed tensor by name. */
  tensors: Record<string, { format: string; group_size: number }>;
  /** Values of the fixed codebooks, as "int4:128": by format and group size. What was saved before they were has none. */
  codebooks?: Record<string, number[]>;
}

type Entry = QuantizationConfig["tensors"][string];

const codebookKey = ({ format, group_size }: Entry) => `${format}:${group_size}`;

/** The fixed codebooks of some packed tensors, for {@linkcode QuantizationConfig}. */
export function codebooksOf(tensors: QuantizationConfig["tensors"]): Record<string, number[]> {
  const codebooks: Record<string, number[]> = {};
  for (const entry of Object.values(tensors)) {
    const values = formats.get(entry.format)?.values?.(entry.group_size);
    if (values) codebooks[codebookKey(entry)] = [...values];
  }
  return codebooks;
}

/** Whether codebooks of a config say the same of an entry's codes as its format does. */
function sameCodebook(entry: Entry, codebooks: unknown): boolean {
  // Sizes that are none are errors of their own.
  if (!Number.isSafeInteger(entry.group_size) || entry.group_size < 1) return true;
  const values = formats.get(entry.format)?.values?.(entry.group_size);
  if (!values || codebooks === undefined) return true;
  const given = isObject(codebooks) ? codebooks[codebookKey(entry)] : undefined;
  // JSON has no −0.
  return Array.isArray(given) && given.length === values.length &&
    given.every((value, i) => Number(value) === values[i]);
}

/** A tensor in memory, as a checkpoint stores it. */
export interface StoredTensor extends TensorToWrite {
  readonly data: () => Uint8Array;
}

const bytes = (array: Uint32Array | Uint16Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** A power-of-two scale as E8M0: its exponent plus 127. */
function toE8M0(scales: Float32Array): Uint8Array {
  return Uint8Array.from(scales, (scale) => Math.round(Math.log2(scale)) + 127);
}

/** The tensors that a packed matrix is stored as. */
export function packedTensors(name: string, packed: PackedMatrix): StoredTensor[] {
  const { rows, bits, cols, codes, scales, zeros, codebook, scaleType, codebookType } = packed;
  const groups = groupsPerRow(packed);
  const numbers = (
    suffix: string,
    values: Float32Array,
    shape: number[],
    type: "f16" | "f32",
  ): StoredTensor => ({
    name: `${name}.${suffix}`,
    dtype: type === "f16" ? "F16" : "F32",
    shape,
    data: () => fromFloat32(values, type === "f16" ? "F16" : "F32"),
  });
  const tensors: StoredTensor[] = [
    { name: `${name}.codes`, dtype: "I32", shape: [rows, wordsPerRow(cols, bits)], data: () => bytes(codes) },
  ];
  if (scaleType === "e8m0") {
    tensors.push({ name: `${name}.scales`, dtype: "U8", shape: [rows, groups], data: () => toE8M0(scales) });
  } else if (scaleType === "int8") {
    const inBytes = (kind: "scale" | "zero", values: Float32Array, signed: boolean) => {
      const { bytes, exponents } = toBytes(values, { rows, groups, signed });
      tensors.push(
        { name: `${name}.${kind}s`, dtype: signed ? "I8" : "U8", shape: [rows, groups], data: () => bytes },
        {
          name: `${name}.${kind}_exponents`,
          dtype: "U8",
          shape: [rows, exponentsPerRow(groups)],
          data: () => exponents,
        },
      );
    };
    inBytes("scale", scales, false);
    if (zeros) inBytes("zero", zeros, true);
  } else {
    tensors.push(numbers("scales", scales, [rows, groups], scaleType));
    if (zeros) tensors.push(numbers("zeros", zeros, [rows, groups], scaleType));
  }
  if (packed.outliers) {
    const { starts, columns, values } = packed.outliers;
    const shape = [values.length];
    tensors.push(
      { name: `${name}.outlier_starts`, dtype: "U32", shape: [rows + 1], data: () => bytes(starts) },
      { name: `${name}.outlier_columns`, dtype: "U16", shape, data: () => bytes(columns) },
      { name: `${name}.outlier_values`, dtype: "F16", shape, data: () => fromFloat32(values, "F16") },
    );
  }
  // Who loads it may not know what the codes of a format of somebody's own mean.
  if (codebookType !== "fixed" || !formats.has(packed.format)) {
    const values = 2 ** bits;
    const shape = [codebook.length / values, values];
    if (codebookType === "uint8" || codebookType === "int8") {
      const dtype = codebookType === "int8" ? "I8" : "U8";
      const step = codebookStep(bits);
      const data = () => Uint8Array.from(codebook, (value) => value / step);
      tensors.push({ name: `${name}.codebook`, dtype, shape, data });
    } else tensors.push(numbers("codebook", codebook, shape, codebookType === "f16" ? "f16" : "f32"));
    const { codebookRows } = packed;
    if (codebookRows) {
      tensors.push({ name: `${name}.codebook_rows`, dtype: "U8", shape: [rows], data: () => codebookRows });
    }
  }
  return tensors;
}

/**
 * Reads a packed matrix of a checkpoint; undefined when that tensor is not packed there.
 *
 * @param options.room makes room for codes; anywhere when absent.
 * @throws {CheckpointError} when its parts do not fit together.
 */
export function readPacked(
  checkpoint: Checkpoint,
  options: { tensor: string; rows: number; cols: number; room?: Backend["room"] },
): PackedMatrix | undefined {
  const { tensor } = options;
  const { quant_method, tensors: entries, codebooks } =
    (checkpoint.config.quantization_config ?? {}) as Partial<QuantizationConfig>;
  if (quant_method !== OWN_METHOD) return undefined;
  const entry = entries && Object.hasOwn(entries, tensor) ? entries[tensor] : undefined;
  if (!entry) return undefined;
  if (!sameCodebook(entry, codebooks)) {
    throw new CheckpointError(
      `Cannot load ${tensor} of ${checkpoint.folder}: the config has no codebook of ${codebookKey(entry)} ` +
        "with that format's values",
    );
  }
  return readPackedParts(checkpoint, { ...options, entry, where: checkpoint.folder });
}

/** Where tensors are read from. */
interface TensorSource {
  has(name: string): boolean;
  info(name: string): { readonly dtype: DType; readonly shape: readonly number[] };
  read(name: string, room?: Backend["room"]): Uint8Array;
}

/** What a format says of how its matrices are stored; of one that this library does not know, their tensors say it. */
interface Storage {
  readonly bits: number;
  readonly e8m0: boolean;
  readonly zeros: boolean;
  /** Its own codebook; null where each matrix has one. */
  readonly values: Float32Array | null;
}

const BITS = [2, 3, 4, 8];

/**
 * {@linkcode readPacked} of what an entry of {@linkcode QuantizationConfig} describes, from anywhere.
 *
 * @throws {CheckpointError} when its parts do not fit together, or its codebook is not the format's.
 * @throws {TensorError} when a scale, a zero or a value of the codebook is not finite.
 */
export function readPackedParts(
  source: TensorSource,
  options: {
    tensor: string;
    rows: number;
    cols: number;
    room?: Backend["room"];
    entry: Entry;
    where: string;
  },
): PackedMatrix {
  const { tensor, rows, cols, entry, where } = options;
  const fail = (what: string) => new CheckpointError(`Cannot load ${tensor} of ${where}: ${what}`);
  if (typeof entry !== "object" || entry === null || typeof entry.format !== "string") {
    throw fail("its format must be a string");
  }
  const groupSize = entry.group_size;
  if (!Number.isSafeInteger(groupSize) || groupSize < 1 || groupSize > cols) {
    throw fail(`group_size must be between 1 and ${cols}, current value is ${groupSize}`);
  }
  const groups = Math.ceil(cols / groupSize);
  const part = (
    suffix: string,
    options: { dtypes: DType[]; shapes: number[][] },
    room?: Backend["room"],
  ) => {
    const name = `${tensor}.${suffix}`;
    const { dtype, shape } = source.info(name);
    if (!options.dtypes.includes(dtype)) {
      throw fail(`${suffix} must be ${options.dtypes.join(" or ")}, current dtype is ${dtype}`);
    }
    if (!options.shapes.some((expected) => String(expected) === String(shape))) {
      throw fail(`${suffix} must have shape [${options.shapes.join("] or [")}], current shape is [${shape}]`);
    }
    return { dtype, shape, data: source.read(name, room) };
  };
  const floats = (suffix: string, { dtype, shape, data }: ReturnType<typeof part>) => {
    const values = toFloat32(data, dtype);
    checkFinite(values, { tensor: `${tensor}.${suffix} of ${where}`, cols: shape.at(-1)! });
    return values;
  };
  const has = (suffix: string) => source.has(`${tensor}.${suffix}`);

  const storage = storageOf(entry.format, { groupSize, tensor, source });
  if (!storage) throw fail(`its format, "${entry.format}", is not known, and it has no codebook of its own`);
  const { bits, e8m0 } = storage;
  if (has("zeros") && !storage.zeros) throw fail(`it has zeros, ${entry.format} has none`);
  const words = wordsPerRow(cols, bits);
  const codes = part("codes", { dtypes: ["I32", "U32"], shapes: [[rows, words]] }, options.room).data;
  const inBytes = has("scale_exponents");
  if (inBytes && e8m0) {
    throw fail(`its scales have exponents of their own, those of ${entry.format} are exponents`);
  }
  const scales = part("scales", {
    dtypes: e8m0 || inBytes ? ["U8"] : ["F16", "F32"],
    shapes: [[rows, groups]],
  });
  const zeros = storage.zeros
    ? part("zeros", { dtypes: [inBytes ? "I8" : scales.dtype], shapes: [[rows, groups]] })
    : undefined;
  const scaled = (kind: "scale" | "zero", stored: ReturnType<typeof part>) => {
    if (!inBytes) return floats(`${kind}s`, stored);
    const suffix = `${kind}_exponents`;
    const exponents = part(suffix, { dtypes: ["U8"], shapes: [[rows, exponentsPerRow(groups)]] }).data;
    const values = fromBytes({ bytes: stored.data, exponents }, { rows, groups, signed: kind === "zero" });
    checkFinite(values, { tensor: `${tensor}.${kind}s of ${where}`, cols: groups });
    return values;
  };
  const values = 2 ** bits;
  if (has("codebook") && storage.values) {
    throw fail(`it has a codebook of its own, ${entry.format} a fixed one`);
  }
  const tables = storage.values ? 0 : source.info(`${tensor}.codebook`).shape[0]!;
  if (tables > rows) throw fail(`it has ${tables} codebooks, and ${rows} rows`);
  const codebook = storage.values ? undefined : part("codebook", {
    dtypes: ["F16", "F32", storage.zeros ? "U8" : "I8"],
    shapes: [[Math.max(tables, 1), values]],
  });
  const codebookRows = has("codebook_rows")
    ? part("codebook_rows", { dtypes: ["U8"], shapes: [[rows]] }).data.slice()
    : undefined;
  const beyond = codebookRows?.find((table) => table >= tables);
  if (beyond !== undefined) throw fail(`codebook_rows must be below ${tables}, current value is ${beyond}`);
  // A table of one row in float32 is a format's own, where the format is not known.
  const fixed = storage.values !== null || (!formats.has(entry.format) && codebook!.shape[0] === 1 &&
    codebook!.dtype === "F32");
  const outliers = (): Outliers => {
    const count = source.info(`${tensor}.outlier_values`).shape[0] ?? 0;
    const stored = part("outlier_values", { dtypes: ["F16"], shapes: [[count]] });
    const starts = words32(part("outlier_starts", { dtypes: ["U32"], shapes: [[rows + 1]] }).data);
    const columns = words16(part("outlier_columns", { dtypes: ["U16"], shapes: [[count]] }).data);
    if (starts[0] !== 0 || starts[rows] !== count || starts.some((start, r) => start < starts[r - 1]!)) {
      throw fail(`outlier_starts must rise from 0 to ${count}`);
    }
    const far = columns.find((column) => column >= cols);
    if (far !== undefined) throw fail(`outlier_columns must be below ${cols}, current value is ${far}`);
    return { starts, columns, values: floats("outlier_values", stored) };
  };
  return {
    format: entry.format,
    bits,
    rows,
    cols,
    groupSize,
    codes: new Uint32Array(codes.buffer, codes.byteOffset, rows * words),
    scales: e8m0
      ? Float32Array.from(scales.data, (exponent) => 2 ** (exponent - 127))
      : scaled("scale", scales),
    zeros: zeros ? scaled("zero", zeros) : null,
    codebook: codebook ? codebookValues(floats("codebook", codebook), codebook.dtype, bits) : storage.values!,
    scaleType: e8m0 ? "e8m0" : inBytes ? "int8" : SCALE_TYPES[scales.dtype]!,
    codebookType: fixed ? "fixed" : CODEBOOK_TYPES[codebook!.dtype]!,
    ...(codebookRows && { codebookRows }),
    ...(has("outlier_starts") && { outliers: outliers() }),
  };
}

/** Words of a tensor's bytes, which may start anywhere. */
const words32 = (bytes: Uint8Array) => new Uint32Array(bytes.slice().buffer);
const words16 = (bytes: Uint8Array) => new Uint16Array(bytes.slice().buffer);

/** The stored types of scales that are floats. */
const SCALE_TYPES: { readonly [dtype: string]: ScaleType } = { F16: "f16", F32: "f32" };

/** The stored types of codebooks. */
const CODEBOOK_TYPES: { readonly [dtype: string]: CodebookType } = {
  F16: "f16",
  F32: "f32",
  U8: "uint8",
  I8: "int8",
};

/** What a codebook's stored numbers stand for: bytes are multiples of a step. */
function codebookValues(stored: Float32Array, dtype: DType, bits: number): Float32Array {
  return dtype === "U8" || dtype === "I8" ? stored.map((value) => value * codebookStep(bits)) : stored;
}

/** How matrices of a format are stored; undefined where neither this library nor the tensors say it. */
function storageOf(
  name: string,
  of: { groupSize: number; tensor: string; source: TensorSource },
): Storage | undefined {
  const { groupSize, tensor, source } = of;
  const format = formats.get(name);
  if (format) {
    const { bits, scaling, values } = format;
    return {
      bits,
      e8m0: scaling.stored === "e8m0",
      zeros: scaling.zero !== undefined,
      values: values && values(groupSize),
    };
  }
  if (!source.has(`${tensor}.codebook`)) return undefined;
  const bits = Math.log2(source.info(`${tensor}.codebook`).shape[1] ?? 0);
  if (!BITS.includes(bits)) return undefined;
  const e8m0 = source.info(`${tensor}.scales`).dtype === "U8" && !source.has(`${tensor}.scale_exponents`);
  return { bits, e8m0, zeros: source.has(`${tensor}.zeros`), values: null };
}
