import { Random as Source } from "../../lib/random.ts";

/**
 * A seeded random source that counts how much it has decided.
 *
 * Every choice adds −ln p of what was chosen to {@link Random.nats}, so that a text built from
 * choices alone carries its own information content.
 */
export class Random {
  /** Sum of −ln p over all choices made so far. */
  nats = 0;
  readonly #source: Source;

  /** @param seed A whole number, of which 32 bits count; equal seeds give equal choices on every machine. */
  constructor(seed: number) {
    this.#source = new Source(seed);
  }

  /** A uniform integer in [0, n). */
  below(n: number): number {
    this.nats += Math.log(n);
    return this.#source.integer(n);
  }

  /** A uniform integer in [low, high], both ends included. */
  int(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with probability p. */
  chance(p: number): boolean {
    const yes = this.#source.next() < p;
    this.nats -= Math.log(yes ? p : 1 - p);
    return yes;
  }

  /** One element, all equally likely. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("Cannot pick from an empty list");
    return list[this.below(list.length)] as T;
  }

  /**
   * One element by Zipf's law: the r-th of the order that belongs to the context with probability in proportion to 1/r.
   *
   * Each context has an order of its own, fixed for ever by its name, as a word has its own likely neighbours.
   * What goes with what is knowledge that a reader can learn, and only by heart.
   *
   * @param context What the order hangs on; without one it is that of the list.
   */
  likely<T>(list: readonly T[], context = ""): T {
    const sums = zipf(list.length);
    const point = this.#source.next() * (sums.at(-1) as number);
    let rank = 0;
    while ((sums[rank] as number) <= point) rank++;
    this.nats += Math.log((sums.at(-1) as number) * (rank + 1));
    return list[context === "" ? rank : order(list.length, context)[rank] as number] as T;
  }

  /** One value, each with a probability in proportion to its weight. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    let point = this.#source.next() * total;
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

const SUMS = new Map<number, Float64Array>();

/** Sums of 1/r over the ranks up to each of n. */
function zipf(n: number): Float64Array {
  let sums = SUMS.get(n);
  if (sums === undefined) {
    if (n === 0) throw new RangeError("Cannot choose from an empty list");
    let sum = 0;
    sums = Float64Array.from({ length: n }, (_, i) => sum += 1 / (i + 1));
    SUMS.set(n, sums);
  }
  return sums;
}

const ORDERS = new Map<string, Uint16Array>();

/** The order of n elements that belongs to a context. */
function order(n: number, context: string): Uint16Array {
  const key = `${n} ${context}`;
  let order = ORDERS.get(key);
  if (order === undefined) {
    let seed = 0x811c9dc5; // FNV-1a
    for (let i = 0; i < key.length; i++) seed = Math.imul(seed ^ key.charCodeAt(i), 0x01000193);
    const source = new Source(seed);
    order = Uint16Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = source.integer(i + 1);
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    ORDERS.set(key, order);
  }
  return order;
}
