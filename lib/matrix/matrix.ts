/**
 * The dense matrix of the library.
 *
 * @module
 */
import { TensorError } from "../errors.ts";
import type { DType } from "./dtype.ts";

/**
 * A dense matrix, row by row. Weights are [out_features, in_features], as in Hugging Face checkpoints.
 * A vector (a norm's weight, a bias) has one row.
 */
export interface Matrix {
  /** Number of rows (out_features). */
  readonly rows: number;
  /** Number of columns (in_features). */
  readonly cols: number;
  /**
   * rows · cols values, row-major. Do not change them: they can be a view of memory that threads share. Read the property
   * once: matrices of stored values convert them at each read.
   */
  readonly data: Float32Array;
  /** How the checkpoint stores it; F32 when absent. Only sizes and saving look at it. */
  readonly dtype?: DType;
}

/**
 * Checks that a matrix has whole, non-negative sizes and as many values.
 *
 * @throws {TensorError} when the sizes and the data disagree.
 */
export function checkMatrix(matrix: Matrix, name = "matrix"): void {
  const { rows, cols, data } = matrix;
  for (const [side, size] of [["rows", rows], ["cols", cols]] as const) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new TensorError(
        `Cannot use ${name}: ${side} must be a whole number of at least 1, current value is ${size}`,
      );
    }
  }
  if (data.length !== rows * cols) {
    throw new TensorError(
      `Cannot use ${name}: ${rows}×${cols} needs ${rows * cols} values, it holds ${data.length}`,
    );
  }
}

/**
 * Checks that every value is finite.
 *
 * @throws {TensorError} naming the tensor, row and column of the first value that is NaN or infinite.
 */
export function checkFinite(matrix: Matrix, name = "matrix"): void {
  const { cols, data } = matrix;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]!)) {
      const row = Math.floor(i / cols);
      throw new TensorError(
        `Cannot quantize ${name}: value at row ${row}, column ${i - row * cols} is ${data[i]}`,
      );
    }
  }
}

/** The transpose of a matrix. */
export function transposed(matrix: Matrix): Matrix {
  const { rows, cols, data } = matrix;
  const turned = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) turned[c * rows + r] = data[r * cols + c]!;
  }
  return { ...matrix, rows: cols, cols: rows, data: turned };
}
