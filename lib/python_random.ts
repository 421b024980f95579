/**
 * The random numbers of Python's `random`, where a recipe draws with them.
 *
 * @module
 */

const SIZE = 624;

/**
 * CPython's `random.Random(seed)`: MT19937 (Matsumoto and Nishimura 1998), seeded by an array.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const random = new PythonRandom(0);
 * assertEquals(Array.from({ length: 5 }, () => random.integer(0, 99)), [49, 97, 53, 5, 33]);
 * ```
 */
export class PythonRandom {
  readonly #state = new Uint32Array(SIZE);
  #at = SIZE;

  /** @param seed a whole number of 0 to 2³² − 1. */
  constructor(seed: number) {
    const state = this.#state;
    const mixed = (i: number) => state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[0] = 19650218;
    for (let i = 1; i < SIZE; i++) state[i] = Math.imul(1812433253, mixed(i)) + i;
    let i = 1;
    const wrap = () => {
      if (++i < SIZE) return;
      state[0] = state[SIZE - 1]!;
      i = 1;
    };
    for (let k = 0; k < SIZE; k++, wrap()) state[i] = (state[i]! ^ Math.imul(mixed(i), 1664525)) + seed;
    for (let k = 1; k < SIZE; k++, wrap()) state[i] = (state[i]! ^ Math.imul(mixed(i), 1566083941)) - i;
    state[0] = 0x80000000;
  }

  #word(): number {
    if (this.#at === SIZE) this.#refill();
    let y = this.#state[this.#at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #refill(): void {
    const state = this.#state;
    for (let k = 0; k < SIZE; k++) {
      const y = (state[k]! & 0x80000000) | (state[(k + 1) % SIZE]! & 0x7fffffff);
      state[k] = state[(k + 397) % SIZE]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#at = 0;
  }

  /** A whole number of `from` to `to`, both included: `randint`. The range is below 2³². */
  integer(from: number, to: number): number {
    const n = to - from + 1;
    const bits = 32 - Math.clz32(n);
    for (;;) {
      const drawn = this.#word() >>> (32 - bits);
      if (drawn < n) return from + drawn;
    }
  }

  /** `count` of the items, each once: `sample`. */
  sample<T>(items: readonly T[], count: number): T[] {
    const n = items.length;
    const setSize = 21 + (count > 5 ? 4 ** Math.ceil(Math.log(count * 3) / Math.log(4)) : 0);
    if (n <= setSize) {
      const pool = [...items];
      return Array.from({ length: count }, (_, i) => {
        const j = this.integer(0, n - i - 1);
        const drawn = pool[j]!;
        pool[j] = pool[n - i - 1]!;
        return drawn;
      });
    }
    const drawn = new Set<number>();
    while (drawn.size < count) {
      let j = this.integer(0, n - 1);
      while (drawn.has(j)) j = this.integer(0, n - 1);
      drawn.add(j);
    }
    return [...drawn].map((j) => items[j]!);
  }
}
