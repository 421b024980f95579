/**
 * Weights and inputs of a Linear, for tests of methods that know E[x xᵀ].
 *
 * @module
 */
import type { InputStats } from "../../lib/learn/input_stats.ts";
import type { Matrix } from "../../lib/matrix/matrix.ts";
import { Random } from "../../lib/random.ts";

/** Numbers for all tests of a file. */
export const random = new Random(71);
/** Sizes of most matrices. */
export const [rows, cols] = [8, 48];

/** Numbers with heavy tails. */
export function weights(rows: number, cols: number): Matrix {
  return {
    rows,
    cols,
    data: Float32Array.from({ length: rows * cols }, () => random.normal() ** 3 + random.normal()),
  };
}

/** Inputs whose neighbouring columns go together, some of them large. */
export function inputs(tokens: number): Float64Array {
  const x = new Float64Array(tokens * cols);
  for (let i = 0; i < x.length; i++) x[i] = random.normal() + (i % cols > 0 ? 0.8 * x[i - 1]! : 0);
  return x.map((value, i) => value * (i % cols % 11 === 3 ? 5 : 1));
}

/** Σ over rows of dᵀ H d. */
export function outputError(matrix: Matrix, after: Float32Array, { gram }: InputStats): number {
  const { rows, cols, data } = matrix;
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    const d = (c: number) => after[r * cols + c]! - data[r * cols + c]!;
    for (let i = 0; i < cols; i++) for (let j = 0; j < cols; j++) sum += d(i) * gram![i * cols + j]! * d(j);
  }
  return sum;
}

/** The methods that need E[x xᵀ]. */
export const gramMethods = ["gptq", "leanquant", "lnq"];
