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

/** How layers are tuned. */
export interface TuneOptions {
  /** How often each sequence is seen; 8 when absent. */
  epochs?: number;
  /** The size of the first steps, as a part of what is tuned; they become smaller towards the end. 0.01 when absent. */
  rate?: number;
  /** Tokens of a step, at least; 512 when absent. */
  batchTokens?: number;
  /** How tokens' errors count: as they are, or as parts of the output's size. "none" when absent. */
  tokenWeights?: "none" | "norm";
  /** The part of the sequences that is held back to tell whether tuning helps; 0.125 when absent. */
  held?: number;
}

/** Checks how layers are to be tuned. @throws {OptionError} when an option is out of range. */
export function checkTuneOptions({ epochs = 1, rate = 0.01, batchTokens = 1, held = 0 }: TuneOptions): void {
  for (const [name, value] of Object.entries({ epochs, batchTokens })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new OptionError(`Cannot tune: ${name} must be a whole number of at least 1, current value is ${value}`);
  }
  if (!(rate > 0 && rate < 1)) {
    throw new OptionError(`Cannot tune: rate must be between 0 and 1, current value is ${rate}`);
  }
  if (!(held >= 0 && held < 1)) {
    throw new OptionError(`Cannot tune: held must be from 0 to less than 1, current value is ${held}`);
  }
}

/** A sequence: what the layer is given, and what it is to give, [tokens, hidden_size] each. */
export interface Example {
  readonly input: Float32Array;
  readonly target: Float32Array;
}

/** A tuned layer. */
export interface TunedLayer {
  /** What has changed, by tensor name. */
  readonly tensors: ReadonlyMap<string, Matrix | PackedMatrix>;
  /** The error of sequences that were held back, before and after: the mean square of the difference over that of the target. */
  readonly before: number;
  readonly after: number;
}

/**
 * Tunes a layer. Of all epochs it takes the one with the least error, after rounding, on sequences that it was not tuned on, so
 * that it does not become worse there.
 *
 * @param source the model.
 * @param options.tensor finds the layer's weights by tensor name; packed ones are tuned, and so are norms and biases.
 * @throws {OptionError} when an option is out of range, or the layer has experts.
 */
export async function tuneBlock(
  source: Pick<Source, "config" | "layout" | "backend">,
  options: TuneOptions & Abortable & {
    layer: number;
    tensor: (name: string) => Matrix | PackedMatrix | undefined;
    examples: readonly Example[];
    onStep?: (done: number, steps: number) => void;
  },
): Promise<TunedLayer> {
  const { layer, tensor, examples, onStep, signal } = options;
  const { epochs = 8, rate = 0.01, batchTokens = 512, tokenWeights = "none", held = 0.125 } = options;
  checkTuneOptions(options);
  using block = new Block(source, { layer, tensor });
  const tuned = new Map<string, TunedTensor>();
  for (const name of block.names()) {
    const found = tensor(name)!;
    if (isPacked(found)) tuned.set(name, new TunedLinear(found));
    else if (found.rows === 1) tuned.set(name, new TunedVector(found, block.offset(name)));
  }
  const [kept, back] = split(examples, held);
  const { hidden_size } = source.config;
  const error = new Errors(kept.concat(back), { cols: hidden_size, tokenWeights });
  const adam = new Adam([...tuned.values()].flatMap(({ parameters }) => parameters));
  const batches = batchesOf(kept.length, (i) => kept[i]!.input.length / hidden_size, batchTokens);
  const steps = epochs * batches;
  const measure = async () => {
    let sum = 0;
    for (const one of back) sum += error.of(one, await block.forward(one.input)).error;
    return sum / back.reduce((size, one) => size + error.size(one), 0);
  };
  const before = await measure();
  let [after, best]: [number, Map<string, Matrix | PackedMatrix>] = [before, new Map()];
  block.want(tuned.keys());
  const random = new Random(layer);
  let done = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffled(kept.length, random);
    for (let at = 0; at < order.length;) {
      let tokens = 0;
      for (; at < order.length && tokens < batchTokens; at++) {
        const one = kept[order[at]!]!;
        tokens += one.input.length / hidden_size;
        const { gradient } = error.of(one, await block.forward(one.input));
        await block.backward(gradient!);
        await pause(signal);
      }
      for (const [name, one] of tuned) one.pull(await block.gradient(name));
      adam.step(rate * (1 + Math.cos(Math.PI * Math.min(done, steps) / steps)) / 2);
      block.set(valuesOf(tuned));
      onStep?.(++done, Math.max(steps, done));
    }
    const rounded = new Map(Array.from(tuned, ([name, one]) => [name, one.rounded()]));
    block.set(Array.from(rounded, ([name, one]) => [name, isPacked(one) ? dequantize(one) : one.data]));
    const now = await measure();
    if (now < after) [after, best] = [now, rounded];
    block.set(valuesOf(tuned));
  }
  return { tensors: best, before, after };
}

const valuesOf = (tuned: ReadonlyMap<string, TunedTensor>) =>
  Array.from(tuned, ([name, one]) => [name, one.values()] as const);

/** Those to tune on and those to be held back, spread evenly; of a single one, it is both. */
function split(examples: readonly Example[], held: number): [Example[], Example[]] {
  const back = examples.filter((_, i) => Math.floor((i + 1) * held) > Math.floor(i * held));
  if (back.length === 0) return [[...examples], [...examples]];
  return [examples.filter((one) => !back.includes(one)), back];
}

/** About how many batches sequences make. */
function batchesOf(count: number, tokens: (i: number) => number, batchTokens: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += tokens(i);
  return Math.ceil(sum / batchTokens);
}

function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Squared errors of outputs, and the gradients by them. */
class Errors {
  readonly #cols: number;
  readonly #norm: boolean;

  constructor(_examples: readonly Example[], { cols, tokenWeights }: { cols: number; tokenWeights: "none" | "norm" }) {
    this.#cols = cols;
    this.#norm = tokenWeights === "norm";
  }

  #weight(target: Float32Array, from: number): number {
    if (!this.#norm) return 1;
    let squares = 0;
    for (let c = 0; c < this.#cols; c++) squares += target[from + c]! ** 2;
    return 1 / (squares || 1);
  }

  /** What the error is a part of. */
  size({ target }: Example): number {
    let sum = 0;
    for (let from = 0; from < target.length; from += this.#cols) {
      const weight = this.#weight(target, from);
      for (let c = 0; c < this.#cols; c++) sum += weight * target[from + c]! ** 2;
    }
    return sum;
  }

  of({ target }: Example, output: Float32Array): { error: number; gradient: Float32Array } {
    const gradient = new Float32Array(output.length);
    let error = 0;
    for (let from = 0; from < target.length; from += this.#cols) {
      const weight = this.#weight(target, from);
      for (let at = from; at < from + this.#cols; at++) {
        const difference = output[at]! - target[at]!;
        error += weight * difference * difference;
        gradient[at] = 2 * weight * difference;
      }
    }
    return { error, gradient };
  }
}
