/**
 * A small seeded random source that counts how much it has decided.
 *
 * Every choice adds −ln p of what was chosen to {@link Random.nats}, so that a text built from
 * choices alone carries its own information content.
 */
export class Random {
  /** Sum of −ln p over all choices made so far. */
  nats = 0;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed Any integer; equal seeds give equal choices on every machine. */
  constructor(seed: number) {
    this.#a = 0x9e3779b9 ^ (seed | 0);
    this.#b = 0x243f6a88 ^ Math.floor(seed / 0x100000000);
    this.#c = 0xb7e15162;
    for (let i = 0; i < 12; i++) this.#bits();
  }

  /** The next 32 bits: Chris Doty-Humphrey's sfc32. */
  #bits(): number {
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t | 0;
    return t >>> 0;
  }

  /** A uniform integer in [0, n). */
  below(n: number): number {
    this.nats += Math.log(n);
    return Math.floor(this.#bits() / 0x100000000 * n);
  }

  /** A uniform integer in [low, high], both ends included. */
  int(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with probability p. */
  chance(p: number): boolean {
    const yes = this.#bits() / 0x100000000 < p;
    this.nats -= Math.log(yes ? p : 1 - p);
    return yes;
  }

  /** One element, all equally likely. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("Cannot pick from an empty list");
    return list[this.below(list.length)] as T;
  }

  /** One value, each with a probability in proportion to its weight. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    let point = this.#bits() / 0x100000000 * total;
    for (const [weight, value] of choices) {
      point -= weight;
      if (point < 0) {
        this.nats -= Math.log(weight / total);
        return value;
      }
    }
    throw new RangeError(`Cannot draw from weights that sum to ${total}`);
  }

  /** `count` different elements, in random order. */
  sample<T>(list: readonly T[], count: number): T[] {
    const rest = [...list];
    return Array.from({ length: count }, () => {
      if (rest.length === 0) throw new RangeError(`Cannot sample ${count} of ${list.length}`);
      return rest.splice(this.below(rest.length), 1)[0] as T;
    });
  }
}
