/**
 * The memory image of weights for kernels: a header that describes them, and their stored parts.
 *
 * @module
 */
import { isShared, rowCodebooks } from "../../matrix/codebooks.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import { isLine, isPacked, type PackedMatrix } from "../../matrix/packed_matrix.ts";
import { isStoredType, storedValues } from "../../matrix/stored_matrix.ts";
import type { Block } from "./block.ts";
import type { Arena } from "./memory.ts";
import { levelsOf, type WasmActivationType } from "./rounded_codebooks.ts";
import { STORED, type Stored, storedType } from "./stored.ts";

/** A weight's layout in memory. */
export interface WeightImage {
  /** Bytes in all. */
  readonly bytes: number;
  /** Type of dense values or of codebooks. */
  readonly dtype: Stored;
  /** Bytes from the start to the values or codes, where they are in the image. */
  readonly data: number;
  /** Their address, where they are elsewhere. */
  readonly dataAt?: number;
  /** Whether the kernels for few tokens can read it. */
  readonly quick: boolean;
  /** Whether they are those of rounded activations. */
  readonly rounded: boolean;
  /** Where its outliers are, in bytes from the start. */
  readonly outliers?: OutlierPlaces;
  /** Writes the image to a memory at an address, a multiple of 64. */
  readonly write: (memory: ArrayBufferLike, address: number) => void;
}

/** Where the parts of outliers are: see outliers.ts of the kernels. */
export interface OutlierPlaces {
  /** [rows + 1] u32. */
  readonly starts: number;
  /** u16. */
  readonly columns: number;
  /** f16. */
  readonly values: number;
}

/** Bytes of a header: the words of kernels/wasm/weight.ts, rounded up to where parts may start. */
const HEADER_BYTES = 64;

interface ImagePart {
  readonly at: number;
  readonly write: (memory: ArrayBufferLike, address: number) => void;
}

/**
 * Lays a matrix out. A vector (a norm's weight, a bias) is kept as float32, as its kernels read it.
 *
 * @param options.dataAt where its {@linkcode largePart} is; absent, the image has a copy.
 * @param options.activations what few tokens' activations are rounded to; "f32" when absent: not at all.
 */
export function weightImage(
  matrix: Matrix | PackedMatrix,
  options: { dataAt?: number; activations?: WasmActivationType } = {},
): WeightImage {
  const parts: ImagePart[] = [];
  let bytes = HEADER_BYTES;
  const place = (length: number, write: ImagePart["write"]): ImagePart => {
    const part = { at: bytes, write };
    parts.push(part);
    bytes += Math.ceil(length / 64) * 64;
    return part;
  };
  const values = (data: Float32Array, type: Stored) =>
    place(data.length * STORED[type].bytes, (memory, at) => STORED[type].write(data, memory, at));

  const copied = ({ buffer, byteOffset, byteLength: length }: ArrayBufferView) =>
    place(
      length,
      (memory, at) => new Uint8Array(memory, at, length).set(new Uint8Array(buffer, byteOffset, length)),
    );

  const { rows, cols } = matrix;
  const { dataAt } = options;
  let dtype: Stored;
  let quick = true;
  let rounded = false;
  let header: (number | ImagePart)[];
  let outliers: OutlierPlaces | undefined;
  if (isPacked(matrix)) {
    const { bits, codes, scales, zeros, groupSize } = matrix;
    const codebook = rowCodebooks(matrix);
    // Codebooks of 256 are looked up in memory, as float32.
    const small = matrix.codebookType !== "f32" && matrix.codebookType !== "fixed" && bits < 8;
    dtype = storedType(small ? "F16" : "F32", [codebook]);
    const shared = isShared(matrix);
    const scaleType = storedType(
      matrix.scaleType === "int8" ? "F16" : matrix.scaleType.toUpperCase() as Stored,
      zeros ? [scales, zeros] : [scales],
    );
    // Codes are looked up 32 at a time, within a group; 8 bits are too many to look up, but may stand for a line.
    quick = (groupSize % 32 === 0 || groupSize >= cols) && (bits < 8 || (shared && isLine(codebook)));
    const { activations = "f32" } = options;
    rounded = quick && activations !== "f32";
    const levels = rounded ? levelsOf({ ...matrix, codebook }, activations as "int16" | "int8") : undefined;
    header = [
      bits,
      rows,
      cols,
      dataAt ?? copied(codes),
      STORED[dtype].id,
      values(codebook, dtype),
      shared ? 0 : 2 ** bits * STORED[dtype].bytes,
      groupSize,
      values(scales, scaleType),
      zeros ? values(zeros, scaleType) : 0,
      STORED[scaleType].id,
      levels ? copied(levels.data) : 0,
      levels?.stride ?? 0,
      levels ? values(levels.factors, "F32") : 0,
    ];
    if (matrix.outliers) {
      const { starts, columns, values: added } = matrix.outliers;
      outliers = {
        starts: copied(starts).at,
        columns: copied(columns).at,
        values: values(added, "F16").at,
      };
    }
  } else {
    const { dtype: own = "F32" } = matrix;
    const wanted = isStoredType(own) ? own : "F32";
    let data: ImagePart | number;
    if (dataAt !== undefined) {
      dtype = storedValues(matrix) ? wanted : "F32";
      data = dataAt;
    } else {
      const floats = matrix.data;
      dtype = rows === 1 ? "F32" : storedType(wanted, [floats]);
      data = values(floats, dtype);
    }
    header = [0, rows, cols, data, STORED[dtype].id, 0, 0, cols, 0, 0, 0, 0, 0, 0];
  }
  return {
    // Kernels read whole vectors: up to 64 bytes beyond the end.
    bytes: bytes + 64,
    dtype,
    data: HEADER_BYTES,
    dataAt,
    quick,
    rounded,
    outliers,
    write(memory, address) {
      const words = header.map((word) => typeof word === "number" ? word : address + word.at);
      new Uint32Array(memory, address, words.length).set(words);
      for (const part of parts) part.write(memory, address + part.at);
    },
  };
}

/**
 * What of a matrix is large, and can be read where it lies: codes, or values of a type that the kernels read; undefined where
 * there is no such part.
 */
export function largePart(matrix: Matrix | PackedMatrix): ArrayBufferView | undefined {
  if (isPacked(matrix)) return matrix.codes;
  if (matrix.rows === 1) return undefined; // vectors are read as float32, beside activations
  const stored = storedValues(matrix);
  if (!stored) return matrix.data;
  return matrix.dtype === "F16" && !isFinite16(stored) ? undefined : stored;
}

/** Whether no half is infinite or NaN, which the kernels take for numbers. */
function isFinite16({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  return new Uint16Array(buffer, byteOffset, byteLength / 2).every((half) => (half & 0x7c00) !== 0x7c00);
}

/** A weight in its place. */
export interface WasmWeight {
  /** out_features. */
  readonly rows: number;
  /** in_features. */
  readonly cols: number;
  /** All of it, header first, but for codes or values that lie elsewhere. */
  readonly block: Block;
  /** What those lie in. */
  readonly shared?: Block;
  /** Address of its values or codes. */
  readonly data: number;
  /** Where its outliers are, in bytes from the block's start. */
  readonly outliers?: OutlierPlaces;
  /** Type of dense values or of codebooks. */
  readonly dtype: Stored;
  /** Bits of a code; 0 for a dense weight. */
  readonly bits: number;
  /** Columns that share a scale; 0 for a dense weight. */
  readonly groupSize: number;
  /** Whether the kernels for few tokens can read it. */
  readonly quick: boolean;
  /** Whether they are those of rounded activations. */
  readonly rounded: boolean;
}

/** Where a vector's float32 values are. */
export function vectorOf(weight: WasmWeight): { arena: Arena; address: number; bytes: number } {
  return { arena: weight.block.arena, address: weight.data, bytes: 4 * weight.cols };
}

/** The addresses of a weight's outliers, in the order of the kernels' arguments. */
export function outlierAddresses(
  { block }: WasmWeight,
  { starts, columns, values }: OutlierPlaces,
): number[] {
  return [starts, columns, values].map((place) => block.address + place);
}
