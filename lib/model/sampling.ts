/**
 * Choosing the next token from logits.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { Random } from "../random.ts";

/** How the next token is chosen; greedy when nothing is given. Names and meanings as in transformers. */
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
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
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

  /** The next token. @param logits [vocab_size], not changed. */
  next(logits: Float32Array): number {
    if (this.#temperature === 0) return argmax(logits);
    const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
    const kept = order.slice(0, Math.min(this.#topK, order.length));
    const largest = logits[kept[0]!]!;
    const shares = kept.map((id) => Math.exp((logits[id]! - largest) / this.#temperature));
    const total = shares.reduce((sum, share) => sum + share, 0);
    let count = 0;
    let mass = 0;
    while (count < kept.length && (count === 0 || mass < this.#topP * total)) mass += shares[count++]!;
    let draw = this.#random.next() * mass;
    for (let i = 0; i < count; i++) {
      draw -= shares[i]!;
      if (draw < 0) return kept[i]!;
    }
    return kept[count - 1]!;
  }
}
