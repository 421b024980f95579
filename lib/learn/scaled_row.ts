/**
 * One row of a matrix, and what a value of a table stands for in each of its columns.
 *
 * @module
 */
import type { Matrix } from "../matrix/matrix.ts";
import type { Nearest } from "./nearest.ts";

/** A matrix with the scales and zeros of its groups; u = (w − zero) / scale is rounded to a codebook. */
export interface ScaledMatrix {
  /** The weights w. */
  readonly matrix: Matrix;
  /** Columns that share a scale. */
  readonly groupSize: number;
  /** [rows, groups]; where a scale is 0, u is 0. */
  readonly scales: Float32Array;
  /** [rows, groups], or null where all are 0. */
  readonly zeros: Float32Array | null;
}

/** A row: ŵ[c] = scales[c] · value + zeros[c]. Its arrays are filled anew by each {@linkcode ScaledRow.load}. */
export class ScaledRow {
  /** [cols] the weights w. */
  readonly weights: Float64Array;
  /** [cols] the scale of the column's group. */
  readonly scales: Float64Array;
  /** [cols] its zero. */
  readonly zeros: Float64Array;
  readonly #scaled: ScaledMatrix;

  /** Allocates the arrays for rows of a matrix. */
  constructor(scaled: ScaledMatrix) {
    const { cols } = scaled.matrix;
    this.#scaled = scaled;
    this.weights = new Float64Array(cols);
    this.scales = new Float64Array(cols);
    this.zeros = new Float64Array(cols);
  }

  /** Takes row r of the matrix. */
  load(r: number): void {
    const { matrix: { cols, data }, groupSize, scales, zeros } = this.#scaled;
    const groups = Math.ceil(cols / groupSize);
    for (let c = 0; c < cols; c++) {
      const group = r * groups + Math.floor(c / groupSize);
      this.weights[c] = data[r * cols + c]!;
      this.scales[c] = scales[group]!;
      this.zeros[c] = zeros === null ? 0 : zeros[group]!;
    }
  }

  /** The code whose value in column c is nearest to `weight`. */
  code(nearest: Nearest, weight: number, c: number): number {
    const scale = this.scales[c]!;
    return nearest.code(scale === 0 ? 0 : (weight - this.zeros[c]!) / scale);
  }
}
