/**
 * Some rows of a matrix, dense or packed.
 *
 * @module
 */
import { bytesOf, toFloat32 } from "./dtype.ts";
import type { Matrix } from "./matrix.ts";
import { dequantizeRows, isPacked, type PackedMatrix } from "./packed_matrix.ts";
import { isStoredType, storedValues } from "./stored_matrix.ts";

/**
 * Copies rows as float32, widening no others.
 *
 * @param rows which, in the order wanted.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const matrix = { rows: 3, cols: 2, data: Float32Array.of(1, 2, 3, 4, 5, 6) };
 * assertEquals(matrixRows(matrix, [2, 0]).data, Float32Array.of(5, 6, 1, 2));
 * ```
 */
export function matrixRows(matrix: Matrix | PackedMatrix, rows: readonly number[]): Matrix {
  const { cols } = matrix;
  const data = new Float32Array(rows.length * cols);
  const row = rowReader(matrix);
  rows.forEach((r, i) => row(r, data.subarray(i * cols, (i + 1) * cols)));
  return { rows: rows.length, cols, data };
}

/** Writes a row of a matrix to an array. */
function rowReader(matrix: Matrix | PackedMatrix): (row: number, out: Float32Array) => void {
  const { cols } = matrix;
  if (isPacked(matrix)) return (row, out) => dequantizeRows(matrix, { from: row, to: row + 1 }, out);
  const { dtype } = matrix;
  const stored = storedValues(matrix);
  if (stored && dtype && isStoredType(dtype)) {
    const bytes = cols * bytesOf(dtype);
    return (row, out) => void toFloat32(stored.subarray(row * bytes, (row + 1) * bytes), dtype, out);
  }
  const { data } = matrix;
  return (row, out) => out.set(data.subarray(row * cols, (row + 1) * cols));
}
