/**
 * Numbers by a formula, the same as tests/golden/lcg.py gives, so that golden files need not hold them.
 *
 * @module
 */

/** The linear congruential generator of Numerical Recipes, modulo 2^32. */
export class Lcg {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (Math.imul(1664525, this.#state) + 1013904223) >>> 0;
    return this.#state / 2 ** 32;
  }

  /** float32 values around 0, some of them 25 times as large as most. Exact operations only: no libm. */
  heavyTailed(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => (this.next() - 0.5) / (0.02 + this.next()));
  }

  /** float32 values between −2 and 2, nearly normal. */
  bell(count: number): Float32Array {
    return Float32Array.from(
      { length: count },
      () => this.next() + this.next() + this.next() + this.next() - 2,
    );
  }

  /** float32 weights from 0.001 to 1.001, most of them small. */
  weights(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => 0.001 + this.next() * this.next());
  }
}
