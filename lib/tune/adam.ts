/**
 * Adam (Kingma and Ba 2014, algorithm 1), with steps relative to the size of what is tuned.
 *
 * @module
 */
import { joined } from "../joined.ts";

/** Decay of the means of gradients and of their squares: PyTorch's. */
const [BETA1, BETA2] = [0.9, 0.999];

/** Numbers that are tuned together. */
export interface Parameter {
  /** Changed by {@linkcode Adam.step}. */
  readonly values: Float32Array;
  /** The gradient by them. */
  readonly gradient: Float64Array | Float32Array;
}

/** The state of some parameters' descent. */
export class Adam {
  readonly #parameters: readonly Parameter[];
  /** The root mean square of each parameter's values at the start, which a rate is a part of. */
  readonly #sizes: readonly number[];
  readonly #means: readonly { mean: Float32Array; square: Float32Array }[];
  #steps = 0;

  /** @param parameters what {@linkcode Adam.step} changes. */
  constructor(parameters: readonly Parameter[]) {
    this.#parameters = parameters;
    this.#sizes = parameters.map(({ values }) =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
    );
    this.#means = parameters.map(({ values: { length } }) => (
      { mean: new Float32Array(length), square: new Float32Array(length) }
    ));
  }

  /**
   * Steps against the gradients.
   *
   * @param rate the size of a step as a part of the values' own.
   */
  step(rate: number): void {
    this.#steps++;
    const [fix, fixSquare] = [1 - BETA1 ** this.#steps, 1 - BETA2 ** this.#steps];
    for (const [i, { values, gradient }] of this.#parameters.entries()) {
      const { mean, square } = this.#means[i]!;
      const by = rate * this.#sizes[i]! / fix;
      for (let at = 0; at < values.length; at++) {
        const g = gradient[at]!;
        const m = mean[at] = BETA1 * mean[at]! + (1 - BETA1) * g;
        const s = square[at] = BETA2 * square[at]! + (1 - BETA2) * g * g;
        // Gradients are of any size: only 0 is too small to divide by.
        if (s > 0) values[at]! -= by * m / Math.sqrt(s / fixSquare);
      }
    }
  }

  /** Its parameters' values and its own state, one behind the other: what {@linkcode Adam.restore} goes on from. */
  save(): AdamState {
    return {
      steps: this.#steps,
      values: joined(this.#parameters.map(({ values }) => values)),
      means: joined(this.#means.map(({ mean }) => mean)),
      squares: joined(this.#means.map(({ square }) => square)),
    };
  }

  /** Takes up a state that was saved. */
  restore({ steps, values, means, squares }: AdamState): void {
    this.#steps = steps;
    this.setValues(values);
    separate(means, this.#means.map(({ mean }) => mean));
    separate(squares, this.#means.map(({ square }) => square));
  }

  /** Sets its parameters' values alone. */
  setValues(values: Float32Array): void {
    separate(values, this.#parameters.map(({ values }) => values));
  }
}

/** A descent that can be gone on with. */
export interface AdamState {
  /** Steps so far. */
  readonly steps: number;
  /** All parameters' values. */
  readonly values: Float32Array;
  /** The means of their gradients. */
  readonly means: Float32Array;
  /** The means of the gradients' squares. */
  readonly squares: Float32Array;
}

function separate(all: Float32Array, arrays: readonly Float32Array[]): void {
  let at = 0;
  for (const array of arrays) array.set(all.subarray(at, at += array.length));
}
