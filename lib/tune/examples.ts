/**
 * The sequences that something is tuned on.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { Random } from "../random.ts";

/** A sequence: what is given, and what the original makes of it, [tokens, hidden_size] each. */
export interface Example {
  /** What is given to the first of the layers that are tuned. */
  readonly input: Float32Array;
  /** What the last of them gives in the original. */
  readonly target: Float32Array;
}

/** How long something is tuned, and in what steps. */
export interface StepOptions {
  /** How often each sequence is seen. */
  epochs?: number;
  /** The size of the first steps, as a part of what is tuned; they become smaller towards the end. */
  rate?: number;
  /** Tokens of a step, at least. */
  batchTokens?: number;
}

/** What is tuned, how long and in what steps. */
export interface TuneOptions extends StepOptions {
  /**
   * Tune codes too: the weights that they are rounded from are stepped by the gradient of what they are rounded to (EfficientQAT's
   * "Block-AP"). False when absent.
   */
  codes?: boolean;
}

/**
 * Checks how something is to be tuned.
 *
 * @throws {OptionError} when an option is out of range.
 */
export function checkSteps({ epochs = 1, rate = 0.01, batchTokens = 1 }: StepOptions): void {
  for (const [name, value] of Object.entries({ epochs, batchTokens })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new OptionError(
      `Cannot tune: ${name} must be a whole number of at least 1, current value is ${value}`,
    );
  }
  if (!(rate > 0 && rate < 1)) {
    throw new OptionError(`Cannot tune: rate must be between 0 and 1, current value is ${rate}`);
  }
}

/** One of so many sequences is held back. */
const HELD_BACK = 8;

/** Sequences to tune on, and every eighth, which is held back; of fewer than eight all are both. */
export function split(
  examples: readonly Example[],
): { kept: readonly Example[]; back: readonly Example[] } {
  if (examples.length < HELD_BACK) return { kept: examples, back: examples };
  const isBack = (i: number) => i % HELD_BACK === HELD_BACK - 1;
  return {
    kept: examples.filter((_, i) => !isBack(i)),
    back: examples.filter((_, i) => isBack(i)),
  };
}

/** Steps of some epochs: in each all sequences in another order, so many together as have the tokens of a step. */
export class Plan {
  /** The batches of each epoch. */
  readonly epochs: readonly (readonly (readonly Example[])[])[];
  readonly #rate: number;
  /** The number of the first step of each epoch, and of all. */
  readonly #firsts: readonly number[];

  /** @param options.seed orders have it for their own. */
  constructor(
    examples: readonly Example[],
    options: Required<StepOptions> & { cols: number; seed: number },
  ) {
    const { epochs, rate, seed } = options;
    const random = new Random(seed);
    this.#rate = rate;
    this.epochs = Array.from({ length: epochs }, () => batchesOf(shuffled(examples, random), options));
    const firsts = [0];
    for (const batches of this.epochs) firsts.push(firsts.at(-1)! + batches.length);
    this.#firsts = firsts;
  }

  /** The number of all steps. */
  get steps(): number {
    return this.#firsts.at(-1)!;
  }

  /** The number of a step among all. */
  step(epoch: number, batch: number): number {
    return this.#firsts[epoch]! + batch;
  }

  /** How far a step goes: half a cosine down to 0. */
  rate(step: number): number {
    return this.#rate * (1 + Math.cos(Math.PI * step / this.steps)) / 2;
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Sequences in runs of at least so many tokens, but the last. */
function batchesOf(
  examples: readonly Example[],
  { cols, batchTokens }: { cols: number; batchTokens: number },
): Example[][] {
  const batches: Example[][] = [];
  let tokens = Infinity;
  for (const example of examples) {
    if (tokens >= batchTokens) [tokens, batches[batches.length]] = [0, []];
    batches.at(-1)!.push(example);
    tokens += example.input.length / cols;
  }
  return batches;
}
