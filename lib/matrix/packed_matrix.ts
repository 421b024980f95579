/**
 * The packed matrix of all formats: b-bit codes into a codebook, with a scale and perhaps a zero per group of columns.
 *
 * @module
 */
import type { CodebookType } from "./codebook_type.ts";
import { codebookAt } from "./codebooks.ts";
import { exponentsPerRow } from "./byte_scales.ts";
import { bytesOf } from "./dtype.ts";
import type { Matrix } from "./matrix.ts";
import { addOutliers, outlierBytes, type Outliers } from "./outliers.ts";
import { unpackRow } from "./packing.ts";

/**
 * The stored type of a group's scale: a half, a single, OCP's power-of-two byte, or a whole number of 8 bits times a power of
 * two that 8 groups share (lib/matrix/byte_scales.ts).
 */
export type ScaleType = "f16" | "f32" | "e8m0" | "int8";

/**
 * A quantized matrix, of any format:
 *
 * ŵ[r, c] = scales[r, g] · codebook[t][code[r, c]] + zeros[r, g], where g = ⌊c / groupSize⌋ and t is the codebook of row r:
 * codebookRows[r], or, of T codebooks without indices, ⌊r · T / rows⌋.
 *
 * Outliers, if there are any, are added to that.
 *
 * Scales, zeros and learned codebooks are kept as Float32Array for computing, already rounded to the type
 * that they are stored in, so that a matrix saved and loaded again is the same bit for bit.
 *
 * A codebook is the list of values that codes stand for; others call it a table or a lookup table (lut). A zero is an offset
 * that is added to a group's scaled values; if codebooks begin at 0, it is the group's least weight. It is not the code that
 * stands for 0, which "zero point" means elsewhere.
 */
export interface PackedMatrix {
  /** The format's name: "any4", "nf4", "int3" … */
  readonly format: string;
  /** Bits of a code: 2, 3, 4 or 8. */
  readonly bits: number;
  /** Number of rows (out_features). */
  readonly rows: number;
  /** Number of columns (in_features). */
  readonly cols: number;
  /** Columns that share a scale; the last group of a row may be shorter. */
  readonly groupSize: number;
  /**
   * [rows, ⌈cols / 32⌉ · bits] words: 32 codes of `bits` bits fill `bits` words. They may be a view of memory that
   * threads share, and are not to be changed.
   */
  readonly codes: Uint32Array;
  /** [rows, ⌈cols / groupSize⌉]. */
  readonly scales: Float32Array;
  /** [rows, ⌈cols / groupSize⌉] offsets, or null where the format has none. */
  readonly zeros: Float32Array | null;
  /** [T, 2^bits] values: one codebook for all rows, one for each, or something between. */
  readonly codebook: Float32Array;
  /** [rows] which codebook each row has; absent where they follow from its place. */
  readonly codebookRows?: Uint8Array;
  /** The stored type of scales and zeros. */
  readonly scaleType: ScaleType;
  /** The stored type of the codebook; "fixed" is a constant of the format and takes no space. */
  readonly codebookType: "fixed" | CodebookType;
  /** What is added to a few weights; absent where there are none. */
  readonly outliers?: Outliers;
}

/**
 * True for a packed matrix, false for a dense one.
 *
 * @example
 * ```ts
 * import { isPacked, quantize } from "any4";
 * import { assertEquals } from "@std/assert";
 * const matrix = { rows: 1, cols: 4, data: Float32Array.of(0, 1, 2, 3) };
 * assertEquals([isPacked(matrix), isPacked(quantize(matrix, { format: "int2" }))], [false, true]);
 * ```
 */
export function isPacked(matrix: Matrix | PackedMatrix): matrix is PackedMatrix {
  return "codes" in matrix;
}

/** Whether values[code] = values[0] + code · (values[1] − values[0]), exactly. */
export function isLine(values: Float32Array): boolean {
  const [least, step] = [values[0]!, values[1]! - values[0]!];
  return values.every((value, code) => value === least + code * step);
}

/** Groups in a row: ⌈cols / groupSize⌉. */
export function groupsPerRow(packed: { cols: number; groupSize: number }): number {
  return Math.ceil(packed.cols / packed.groupSize);
}

/**
 * Writes the rows [from, to) of a packed matrix as float32 into `out`.
 *
 * @param packed the matrix.
 * @param rows the range of rows, and scratch for one row of codes, which the caller may reuse.
 * @param out at least (to − from) · cols long.
 */
export function dequantizeRows(
  packed: PackedMatrix,
  rows: { from: number; to: number; codes?: Uint8Array },
  out: Float32Array,
): void {
  const { cols, groupSize, bits, scales, zeros, codebook } = packed;
  const groups = groupsPerRow(packed);
  const codes = rows.codes ?? new Uint8Array(cols);
  for (let r = rows.from; r < rows.to; r++) {
    unpackRow(packed.codes, { bits, cols, row: r }, codes);
    const from = codebookAt(packed, r);
    const base = (r - rows.from) * cols;
    for (let g = 0; g < groups; g++) {
      const scale = scales[r * groups + g]!;
      const zero = zeros === null ? 0 : zeros[r * groups + g]!;
      const end = Math.min((g + 1) * groupSize, cols);
      for (let c = g * groupSize; c < end; c++) {
        out[base + c] = scale * codebook[from + codes[c]!]! + zero;
      }
    }
    if (packed.outliers) addOutliers(packed.outliers, r, out.subarray(base, base + cols));
  }
}

/**
 * The different values that a code can stand for in the first group of the first row, in ascending order, also those that no
 * weight has.
 *
 * @example
 * ```ts
 * import { quantize } from "any4";
 * import { firstGroupValues } from "any4/learn";
 * import { assertEquals } from "@std/assert";
 * const matrix = { rows: 1, cols: 4, data: Float32Array.of(0, 0, 0, 3) };
 * assertEquals(firstGroupValues(quantize(matrix, { format: "int2", groupSize: "row" })), [0, 1, 2, 3]);
 * ```
 */
export function firstGroupValues(packed: PackedMatrix): number[] {
  const { bits, codebook, scales, zeros } = packed;
  const values = codebook.subarray(codebookAt(packed, 0)).subarray(0, 2 ** bits).map((value) =>
    scales[0]! * value + (zeros?.[0] ?? 0)
  );
  return [...new Set(values)].sort((a, b) => a - b);
}

/**
 * Returns the float32 values of a packed matrix, [rows, cols], row-major.
 *
 * @example
 * ```ts
 * import { dequantize, quantize } from "any4";
 * import { assertEquals } from "@std/assert";
 * const matrix = { rows: 1, cols: 4, data: Float32Array.of(0, 1, 2, 3) };
 * assertEquals(dequantize(quantize(matrix, { format: "int2" })), Float32Array.of(0, 1, 2, 3));
 * ```
 */
export function dequantize(packed: PackedMatrix): Float32Array {
  const out = new Float32Array(packed.rows * packed.cols);
  dequantizeRows(packed, { from: 0, to: packed.rows }, out);
  return out;
}

const BITS = { f16: 16, f32: 32, e8m0: 8, uint8: 8, int8: 8, fixed: 0 } as const;

/**
 * The stored size of a packed matrix in bytes: codes (with their padding), scales, zeros, codebooks and outliers.
 *
 * @example
 * ```ts
 * import { quantize } from "any4";
 * import { packedBytes } from "any4/learn";
 * import { assertEquals } from "@std/assert";
 * const matrix = { rows: 1, cols: 128, data: Float32Array.from({ length: 128 }, (_, i) => Math.sin(i)) };
 * assertEquals(packedBytes(quantize(matrix, { format: "nf4" })), 64 + 2); // codes, scale
 * ```
 */
export function packedBytes(packed: PackedMatrix): number {
  const codebooks = packed.codebook.length * BITS[packed.codebookType] +
    8 * (packed.codebookRows?.length ?? 0);
  const { rows, scales, zeros, scaleType } = packed;
  const exponents = scaleType === "int8" ? 8 * rows * exponentsPerRow(groupsPerRow(packed)) : 0;
  const groups = (zeros ? 2 : 1) * (scales.length * BITS[scaleType] + exponents);
  const outliers = packed.outliers ? outlierBytes(packed.outliers) : 0;
  return packed.codes.byteLength + (codebooks + groups) / 8 + outliers;
}

/** The stored size of a matrix in bytes, dense or packed. */
export function storedBytes(matrix: Matrix | PackedMatrix): number {
  return isPacked(matrix) ? packedBytes(matrix) : matrix.rows * matrix.cols * bytesOf(matrix.dtype ?? "F32");
}

/**
 * The stored bits per weight of a packed matrix: codes, scales, zeros and codebooks.
 *
 * @example
 * ```ts
 * import { quantize } from "any4";
 * import { packedBitsPerWeight } from "any4/learn";
 * import { assertEquals } from "@std/assert";
 * const matrix = { rows: 1, cols: 128, data: Float32Array.from({ length: 128 }, (_, i) => Math.sin(i)) };
 * assertEquals(packedBitsPerWeight(quantize(matrix, { format: "nf4" })), 4.125);
 * ```
 */
export function packedBitsPerWeight(packed: PackedMatrix): number {
  return 8 * packedBytes(packed) / (packed.rows * packed.cols);
}
