/**
 * Seeded random numbers: the same seed gives the same numbers on every machine.
 *
 * @module
 */

/**
 * A small fast generator: sfc32 (Chris Doty-Humphrey, PractRand), seeded by splitmix32.
 *
 * @example
 * ```ts
 * import { Random } from "any4/learn";
 * import { assertEquals } from "@std/assert";
 * const random = new Random(7);
 * assertEquals(random.next(), new Random(7).next());
 * ```
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /**
   * Starts a sequence of numbers.
   *
   * @param seed any number; its lowest 32 bits count.
   */
  constructor(seed: number) {
    let state = seed >>> 0;
    const split = () => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.#a = split();
    this.#b = split();
    this.#c = split();
    for (let i = 0; i < 12; i++) this.#bits();
  }

  #bits(): number {
    const result = (this.#a + this.#b + this.#counter++) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) >>> 0;
    return result;
  }

  /** A number in [0, 1), with 32 random bits. */
  next(): number {
    return this.#bits() / 2 ** 32;
  }

  /** A whole number in [0, below). */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** A number from the standard normal distribution (Box and Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }
}
