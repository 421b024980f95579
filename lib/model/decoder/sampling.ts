/**
 * Choosing the next token from logits.
 *
 * @module
 */
import type { Largest } from "../../compute/backend.ts";
import { OptionError, TensorError } from "../../errors.ts";
import { allFinite } from "../../matrix/finite.ts";
import { Random } from "../../random.ts";

/** Options of choosing the next token, greedy by default. Names and meanings are those of transformers. */
export interface SamplingOptions {
  /** Divides the logits; 0 (the default) takes the likeliest token. */
  temperature?: number;
  /** Only the likeliest `topK` tokens are drawn from. */
  topK?: number;
  /** Only the likeliest tokens that together reach this probability are drawn from. */
  topP?: number;
  /** Seed of the draws; 0 when absent. */
  seed?: number;
}

/** The index of the largest value, the first of equals. */
export function argmax(values: Float32Array): number {
  let [best, most] = [0, values[0]!];
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    if (value > most) [best, most] = [i, value];
  }
  return best;
}

/** @throws {TensorError} when logits are not finite. */
export function assertFinite(logits: Float32Array): void {
  if (!allFinite(logits)) throw new TensorError("Cannot continue: logits are not finite");
}

/** The `count` largest values, the largest first; of equals the one that stands first. */
export function largest(values: Float32Array, count: number): Largest {
  const order = count === 1
    ? [argmax(values)]
    : Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b).slice(0, count);
  return { ids: Uint32Array.from(order), values: Float32Array.from(order, (id) => values[id]!) };
}

/** Draws tokens; the same seed and logits give the same tokens. */
export class Sampler {
  readonly #temperature: number;
  readonly #topK: number;
  readonly #topP: number;
  readonly #random: Random;

  /** @throws {OptionError} when an option is out of range. */
  constructor(options: SamplingOptions = {}) {
    this.#temperature = options.temperature ?? 0;
    this.#topK = options.topK ?? Infinity;
    this.#topP = options.topP ?? 1;
    this.#random = new Random(options.seed ?? 0);
    if (!(this.#temperature >= 0 && this.#temperature < Infinity)) {
      throw new OptionError(
        `Cannot sample: temperature must be finite and not negative, current value is ${this.#temperature}`,
      );
    }
    if (!(this.#topK >= 1)) {
      throw new OptionError(`Cannot sample: topK must be at least 1, current value is ${this.#topK}`);
    }
    if (!(this.#topP > 0 && this.#topP <= 1)) {
      throw new OptionError(
        `Cannot sample: topP must be above 0 and at most 1, current value is ${this.#topP}`,
      );
    }
  }

  /** The number of the largest logits that a choice reads: 1 if greedy, topK, or all. */
  get wanted(): number {
    return this.#temperature === 0 ? 1 : this.#topK;
  }

  /** The next token. @param largest the {@linkcode Sampler.wanted} largest logits, largest first. */
  next({ ids, values }: Largest): number {
    if (this.#temperature === 0) return ids[0]!;
    const kept = Math.min(this.#topK, ids.length);
    const shares = Array.from(values.subarray(0, kept), (value) => {
      return Math.exp((value - values[0]!) / this.#temperature);
    });
    const total = shares.reduce((sum, share) => sum + share, 0);
    let count = 0;
    let mass = 0;
    while (count < kept && (count === 0 || mass < this.#topP * total)) mass += shares[count++]!;
    let draw = this.#random.next() * mass;
    for (let i = 0; i < count; i++) {
      draw -= shares[i]!;
      if (draw < 0) return ids[i]!;
    }
    return ids[count - 1]!;
  }
}
