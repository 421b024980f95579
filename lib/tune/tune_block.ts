/**
 * Tuning of one decoder layer's codebooks, scales, zeros and norms against the output of the original layer.
 *
 * AQLM (Egiazarian and others 2024, section 3.3) and EfficientQAT (Chen and others 2024, section 3.2) tune blocks so; here codes
 * stay.
 *
 * @module
 */
import { type Abortable, pause } from "../event_loop.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { dequantize, isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";
import type { Source } from "../model/source.ts";
import { Adam } from "./adam.ts";
import { Block } from "./block.ts";
import { checkSteps, type Example, Plan, split, type TuneOptions } from "./examples.ts";

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
 * Tunes a layer: 8 epochs at a rate of 0.002, at least 512 tokens a step, where nothing else is said. Of all epochs it takes the
 * one with the least error, after rounding, on one of eight sequences that are held back, so that the layer does not become worse
 * there.
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
  checkSteps(options);
  const { layer, tensor, original, onStep, signal } = options;
  const { epochs = 8, rate = 0.002, batchTokens = 512, codes = false } = options;
  using block = new Block(source, { layer, tensor });
  const tuned = block.tuned(codes ? original : undefined);
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
  const plan = new Plan(kept, { epochs, rate, batchTokens, cols: source.config.hidden_size, seed: layer });
  for (const [epoch, batches] of plan.epochs.entries()) {
    for (const [i, batch] of batches.entries()) {
      for (const { input, target } of batch) {
        await block.backward(difference(await block.forward(input), target));
        await pause(signal);
      }
      for (const [name, one] of tuned) one.pull(await block.gradient(name));
      const step = plan.step(epoch, i);
      adam.step(plan.rate(step));
      block.set(Array.from(tuned, ([name, one]) => [name, one.values()]));
      onStep?.(step + 1, plan.steps);
    }
    const tensors = new Map(Array.from(tuned, ([name, one]) => [name, one.rounded()]));
    block.set(Array.from(tensors, ([name, one]) => [name, isPacked(one) ? dequantize(one) : one.data]));
    const error = await measure();
    if (error < best.error) best = { tensors, error };
    block.set(Array.from(tuned, ([name, one]) => [name, one.values()]));
  }
  return { tensors: best.tensors, before, after: best.error };
}

/** The output's error, which is half of the gradient by it of the error's squares. */
const difference = (output: Float32Array, target: Float32Array) =>
  output.map((value, at) => value - target[at]!);

const sumOfSquares = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
