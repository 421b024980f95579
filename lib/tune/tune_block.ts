/**
 * Tuning of one decoder layer's codebooks, scales, zeros and norms against the output of the original layer.
 *
 * AQLM (Egiazarian and others 2024, section 3.3) and EfficientQAT (Chen and others 2024, section 3.2) tune blocks so; here codes
 * stay.
 *
 * @module
 */
import { type Abortable, pause } from "../event_loop.ts";
import { OptionError } from "../errors.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { dequantize, isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";
import type { Source } from "../model/source.ts";
import { Random } from "../random.ts";
import { Adam } from "./adam.ts";
import { Block } from "./block.ts";
import { TunedLinear, type TunedTensor, TunedVector } from "./tuned_tensor.ts";

/** One of so many sequences is held back. */
const HELD_BACK = 8;

/** How layers are tuned. */
export interface TuneOptions {
  /** How often each sequence is seen; 8 when absent. */
  epochs?: number;
  /** The size of the first steps, as a part of what is tuned; they become smaller towards the end. 0.002 when absent. */
  rate?: number;
  /** Tokens of a step, at least; 512 when absent. */
  batchTokens?: number;
  /**
   * Tune codes too: the weights that they are rounded from are stepped by the gradient of what they are rounded to (EfficientQAT's
   * "Block-AP"). False when absent.
   */
  codes?: boolean;
}

/**
 * Checks how layers are to be tuned.
 *
 * @throws {OptionError} when an option is out of range.
 */
export function checkTuneOptions({ epochs = 1, rate = 0.01, batchTokens = 1 }: TuneOptions): void {
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

/** A sequence: what the layer is given, and what it is to give, [tokens, hidden_size] each. */
export interface Example {
  /** What the quantized model's layers before it give. */
  readonly input: Float32Array;
  /** What the original's layer gives in the original. */
  readonly target: Float32Array;
}

/** A tuned layer. */
export interface TunedLayer {
  /** What has changed, by tensor name, rounded to the types that it is stored in. */
  readonly tensors: ReadonlyMap<string, Matrix | PackedMatrix>;
  /** The error on sequences that were held back: the squares of the difference as a part of those of the target. */
  readonly before: number;
  /** The same afterwards, after rounding. */
  readonly after: number;
}

/**
 * Tunes a layer. Of all epochs it takes the one with the least error, after rounding, on one of eight sequences that are held
 * back, so that the layer does not become worse there.
 *
 * @param source the model.
 * @param options.tensor finds the layer's weights by tensor name; packed ones are tuned, and so are norms and biases.
 * @param options.original finds the original's weights, where codes are tuned.
 * @param options.onStep is told of each step.
 * @throws {OptionError} when an option is out of range, or the layer has experts.
 */
export async function tuneBlock(
  source: Pick<Source, "config" | "layout" | "backend">,
  options: TuneOptions & Abortable & {
    layer: number;
    tensor: (name: string) => Matrix | PackedMatrix | undefined;
    original: (name: string) => Float32Array;
    examples: readonly Example[];
    onStep?: (done: number, steps: number) => void;
  },
): Promise<TunedLayer> {
  checkTuneOptions(options);
  const { layer, tensor, original, onStep, signal } = options;
  const { epochs = 8, rate = 0.002, batchTokens = 512, codes = false } = options;
  const { hidden_size } = source.config;
  using block = new Block(source, { layer, tensor });
  const tuned = new Map<string, TunedTensor>();
  for (const name of block.names()) {
    const found = tensor(name)!;
    if (isPacked(found)) tuned.set(name, new TunedLinear(found, codes ? original(name) : undefined));
    else if (found.rows === 1) tuned.set(name, new TunedVector(found, block.offset(name)));
  }
  const { kept, back } = split(options.examples);
  const measure = async () => {
    let [error, size] = [0, 0];
    for (const { input, target } of back) {
      error += sumOfSquares(difference(await block.forward(input), target));
      size += sumOfSquares(target);
      await pause(signal);
    }
    return error / size;
  };
  const before = await measure();
  let best = { tensors: new Map<string, Matrix | PackedMatrix>(), error: before };
  block.want(tuned.keys());
  const adam = new Adam([...tuned.values()].flatMap(({ parameters }) => parameters));
  const random = new Random(layer);
  const tokensOf = ({ input }: Example) => input.length / hidden_size;
  const epochOf = () => batchesOf(shuffled(kept, random), { tokensOf, batchTokens });
  const plan = Array.from({ length: epochs }, epochOf);
  const steps = plan.reduce((sum, batches) => sum + batches.length, 0);
  let done = 0;
  for (const batches of plan) {
    for (const batch of batches) {
      for (const { input, target } of batch) {
        await block.backward(difference(await block.forward(input), target));
        await pause(signal);
      }
      for (const [name, one] of tuned) one.pull(await block.gradient(name));
      adam.step(rate * (1 + Math.cos(Math.PI * done / steps)) / 2);
      block.set(Array.from(tuned, ([name, one]) => [name, one.values()]));
      onStep?.(++done, steps);
    }
    const tensors = new Map(Array.from(tuned, ([name, one]) => [name, one.rounded()]));
    block.set(Array.from(tensors, ([name, one]) => [name, isPacked(one) ? dequantize(one) : one.data]));
    const error = await measure();
    if (error < best.error) best = { tensors, error };
    block.set(Array.from(tuned, ([name, one]) => [name, one.values()]));
  }
  return { tensors: best.tensors, before, after: best.error };
}

/** Sequences to tune on, and every eighth, which is held back; of fewer than eight all are both. */
function split(examples: readonly Example[]): { kept: readonly Example[]; back: readonly Example[] } {
  if (examples.length < HELD_BACK) return { kept: examples, back: examples };
  const isBack = (i: number) => i % HELD_BACK === HELD_BACK - 1;
  return {
    kept: examples.filter((_, i) => !isBack(i)),
    back: examples.filter((_, i) => isBack(i)),
  };
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
  { tokensOf, batchTokens }: { tokensOf: (example: Example) => number; batchTokens: number },
): Example[][] {
  const batches: Example[][] = [];
  let tokens = Infinity;
  for (const example of examples) {
    if (tokens >= batchTokens) [tokens, batches[batches.length]] = [0, []];
    batches.at(-1)!.push(example);
    tokens += tokensOf(example);
  }
  return batches;
}

/** The output's error, which is half of the gradient by it of the error's squares. */
const difference = (output: Float32Array, target: Float32Array) =>
  output.map((value, at) => value - target[at]!);

const sumOfSquares = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
