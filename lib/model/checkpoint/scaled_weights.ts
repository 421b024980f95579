/**
 * Weights that are stored as 8-bit codes with scales beside them, as FP8 and INT8 checkpoints have them:
 * "X.weight" in F8_E4M3, F8_E5M2 or I8, and "X.weight_scale", "X.weight_scale_inv" (both multiply) or bitsandbytes' "X.SCB"
 * (which holds each row's largest magnitude: codes are 127ths of it).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import type { TensorInfo } from "../../files/safetensors/header.ts";
import { quote, showShape } from "../../files/safetensors/messages.ts";
import type { TensorFile } from "../../files/tensor_file.ts";
import type { DType } from "../../matrix/dtype.ts";

/** Names of scales, and what they are divided by. */
const SCALES: ReadonlyMap<string, number> = new Map([["weight_scale", 1], ["weight_scale_inv", 1], [
  "SCB",
  127,
]]);

/** What may stand beside a coded weight and does not change it: scales of activations, and what repeats the config. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...["weight", "bias", "weight_format", "weight_shape", "weight_zero_point"],
  ...["input_scale", "activation_scale", "output_scale", "k_scale", "v_scale", "q_scale"],
]);

/** Rows and columns of a block that shares a scale, as DeepSeek V3 introduced it. */
const BLOCK = 128;

const CODED: ReadonlySet<DType> = new Set(["F8_E4M3", "F8_E5M2", "I8", "U8", "I16", "U16", "I32", "U32"]);

type Places = ReadonlyMap<string, TensorFile>;

/** A weight that is its codes times their scales; as a file it has one tensor, in F32. */
export class ScaledWeight implements TensorFile {
  /** The tensors that it is made of. */
  readonly parts: readonly string[];
  readonly #codes: TensorFile;
  readonly #name: string;
  readonly #scale: { file: TensorFile; name: string; divisor: number };
  /** Rows and columns of the codes that share a scale. */
  readonly #block: { rows: number; cols: number };

  /** @throws {CheckpointError} when scales do not fit the weight. */
  constructor(name: string, options: { codes: TensorFile; scale: string; places: Places; folder: string }) {
    const { codes, scale, places, folder } = options;
    const suffix = scale.slice(scale.lastIndexOf(".") + 1);
    this.#name = name;
    this.#codes = codes;
    this.#scale = { file: places.get(scale)!, name: scale, divisor: SCALES.get(suffix)! };
    this.parts = [name, scale];
    const { shape } = codes.info(name);
    const grid = this.#scale.file.info(scale).shape;
    const block = blockOf(shape, grid);
    if (!block) {
      throw new CheckpointError(
        `Cannot use ${quote(scale)} of ${folder}: its shape ${showShape(grid)} is none of scales of ` +
          `${quote(name)}, ${
            showShape(shape)
          }: expected one for all, for each row or for each block of ${BLOCK}`,
      );
    }
    this.#block = block;
  }

  /** Its name. */
  names(): Iterable<string> {
    return [this.#name];
  }

  /** Whether it has that name. */
  has(name: string): boolean {
    return name === this.#name;
  }

  /** Its shape, as float32. */
  info(name: string): TensorInfo {
    const info = this.#codes.info(name);
    return { ...info, dtype: "F32", bytes: 4 * info.shape.reduce((product, n) => product * n, 1) };
  }

  /** Its values as bytes. */
  read(name: string, out?: Uint8Array): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.readFloat32(name);
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    out?.set(bytes);
    return out ?? bytes;
  }

  /** Its values. */
  readFloat32(name: string, out?: Float32Array): Float32Array {
    const values = this.#codes.readFloat32(name, out);
    const { file, name: scale, divisor } = this.#scale;
    const scales = file.readFloat32(scale);
    const [rows = 0, cols = 0] = this.#codes.info(name).shape;
    const across = Math.ceil(cols / this.#block.cols);
    for (let row = 0; row < rows; row++) {
      const first = Math.floor(row / this.#block.rows) * across;
      for (let col = 0; col < cols; col++) {
        values[row * cols + col]! *= scales[first + Math.floor(col / this.#block.cols)]! / divisor;
      }
    }
    return values;
  }

  /** Nothing: the files are the checkpoint's. */
  [Symbol.dispose](): void {}
}

/** Rows and columns that share a scale, from the shapes of a weight and of its scales; undefined where they do not fit. */
function blockOf(
  shape: readonly number[],
  grid: readonly number[],
): { rows: number; cols: number } | undefined {
  const [rows, cols] = shape;
  if (rows === undefined || cols === undefined || shape.length !== 2) return undefined;
  const is = (...expected: number[]) => String(grid) === String(expected);
  if (is() || is(1) || is(1, 1)) return { rows, cols };
  if (is(rows) || is(rows, 1)) return { rows: 1, cols };
  if (is(Math.ceil(rows / BLOCK), Math.ceil(cols / BLOCK))) return { rows: BLOCK, cols: BLOCK };
  return undefined;
}

/**
 * The weights among some tensors that are codes with scales beside them, by name.
 *
 * @param options `declared`: whether the checkpoint says that it is quantized: codes without scales are refused then.
 * @throws {CheckpointError} when scales are missing or do not fit, or something stands beside codes that is not understood.
 */
export function scaledWeights(
  places: Places,
  options: { folder: string; declared: boolean },
): Map<string, ScaledWeight> {
  const { folder, declared } = options;
  const found = new Map<string, ScaledWeight>();
  const coded = new Map<string, TensorFile>();
  for (const [name, file] of places) {
    if (name.endsWith(".weight") && isCoded(name, file)) coded.set(name.slice(0, -"weight".length), file);
  }
  if (coded.size === 0) return found;
  const beside = new Map<string, string[]>();
  for (const name of places.keys()) {
    const module = name.slice(0, name.lastIndexOf(".") + 1);
    if (!coded.has(module)) continue;
    const suffixes = beside.get(module) ?? [];
    suffixes.push(name.slice(module.length));
    beside.set(module, suffixes);
  }
  for (const [module, codes] of coded) {
    const name = `${module}weight`;
    const { dtype } = codes.info(name);
    const fail = (what: string) =>
      new CheckpointError(`Cannot use ${quote(name)} of ${folder}: it is stored as ${dtype}, ${what}`);
    const suffixes = beside.get(module)!;
    const scales = suffixes.filter((suffix) => SCALES.has(suffix));
    const unknown = suffixes.find((suffix) => !SCALES.has(suffix) && !HARMLESS.has(suffix));
    if (unknown !== undefined) throw fail(`and what ${quote(module + unknown)} does to it is not known`);
    if (scales.length > 1) throw fail(`and has more than one scale: ${scales.join(" and ")}`);
    const [scale] = scales;
    if (scale === undefined) {
      if (declared || dtype === "I8") {
        throw fail(`but has no scales: expected ${[...SCALES.keys()].join(" or ")}`);
      }
      continue;
    }
    const zeros = `${module}weight_zero_point`;
    if (places.get(zeros)?.readFloat32(zeros).some((zero) => zero !== 0)) {
      throw fail(`and ${quote(zeros)} is not 0, which alone is supported`);
    }
    found.set(name, new ScaledWeight(name, { codes, scale: module + scale, places, folder }));
  }
  return found;
}

function isCoded(name: string, file: TensorFile): boolean {
  try {
    return CODED.has(file.info(name).dtype);
  } catch {
    // A type that cannot be read is an error where the tensor is needed.
    return false;
  }
}
