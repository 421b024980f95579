/**
 * dᵀ H d of rows d: the squared error of a Linear's outputs, where d is the error of a row of weights and H = E[x xᵀ].
 *
 * @module
 */
import type { Matrix } from "../matrix/matrix.ts";

/** Finds errors by one H, which it holds until it is disposed of. */
export interface SquaredErrors extends Disposable {
  /** Those of each row's groups of columns, each group by itself, [rows, groups]. */
  of(differences: Matrix): Float64Array;
}

/** On this thread, summed in float64. */
export class PlainSquaredErrors implements SquaredErrors {
  readonly #hessian: Float32Array;
  readonly #groupSize: number;

  /** @param hessian [cols, cols]. */
  constructor(hessian: Float32Array, groupSize: number) {
    this.#hessian = hessian;
    this.#groupSize = groupSize;
  }

  of({ rows, cols, data }: Matrix): Float64Array {
    const groups = Math.ceil(cols / this.#groupSize);
    const errors = new Float64Array(rows * groups);
    for (let r = 0; r < rows; r++) {
      for (let i = 0; i < cols; i++) {
        const group = Math.floor(i / this.#groupSize);
        let sum = 0;
        for (let j = group * this.#groupSize; j < i; j++) {
          sum += this.#hessian[i * cols + j]! * data[r * cols + j]!;
        }
        const own = data[r * cols + i]!;
        errors[r * groups + group]! += own * (2 * sum + own * this.#hessian[i * cols + i]!);
      }
    }
    return errors;
  }

  [Symbol.dispose](): void {}
}
