/**
 * Tuning of all layers' codebooks, scales, zeros and norms together against the original's predictions, with one layer on the
 * backend at a time: gradients go back layer by layer, each of which is computed again from what it was given.
 *
 * EfficientQAT (Chen and others 2024, section 3.3) tunes scales so after its blocks, and PV-tuning (Malinovskii and others 2024)
 * codebooks; here both, and the weights that codes are rounded from where codes are tuned.
 *
 * @module
 */
import { type Abortable, pause } from "../event_loop.ts";
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { divergence } from "../model/decoder/divergence.ts";
import type { Source } from "../model/source.ts";
import { Adam, type AdamState } from "./adam.ts";
import { Block } from "./block.ts";
import { checkSteps, type Example, Plan, split, type TuneOptions } from "./examples.ts";
import { divergenceGradient, Head } from "./head.ts";
import type { TunedTensor } from "./tuned_tensor.ts";

type Tensor = Matrix | PackedMatrix;
type TunedSource = Pick<Source, "config" | "layout" | "backend" | "tensor">;

/** How far it is between two steps. */
export interface ModelDescent extends AdamState {
  /** The divergence on sequences that were held back, before anything was tuned. */
  readonly before: number;
  /** The least so far, after rounding, and the values then. */
  readonly after: number;
  /** All parameters' values with which it was least. */
  readonly best: Float32Array;
}

/** Of so many steps one is kept: of a large model they take minutes. */
const KEPT_STEPS = 8;

/**
 * Tunes a model: 4 epochs at a rate of 0.002, at least 1024 tokens a step, where nothing else is said. Of all epochs it takes the
 * one with the least divergence, after rounding, on one of eight sequences that are held back, so that it does not become worse
 * there.
 *
 * @param source the original.
 * @param options.tensor finds weights by tensor name; packed ones are tuned, and so are the layers' norms and biases.
 * @param options.original finds the original's weights, where codes are tuned.
 * @param options.examples what the first layer is given, and what the last gives.
 * @param options.state where to go on.
 * @param options.onState is given the state after each epoch, and after each eighth step.
 * @param options.onStep is told of each step.
 * @returns what has changed, by tensor name, rounded to the types that it is stored in, and the mean divergence in nats a token.
 * @throws {OptionError} when an option is out of range, or a layer has experts.
 */
export async function tuneModel(
  source: TunedSource,
  options: TuneOptions & Abortable & {
    tensor: (name: string) => Tensor | undefined;
    original: (name: string) => Float32Array;
    examples: readonly Example[];
    state?: ModelDescent;
    onState?: (state: ModelDescent) => void;
    onStep?: (done: number, steps: number) => void;
  },
): Promise<{ tensors: ReadonlyMap<string, Tensor>; before: number; after: number }> {
  checkSteps(options);
  const { tensor, original, onState, onStep, signal } = options;
  const { epochs = 4, rate = 0.002, batchTokens = 1024, codes = false } = options;
  const { kept, back } = split(options.examples);
  const plan = new Plan(kept, { epochs, rate, batchTokens, cols: source.config.hidden_size, seed: 0 });
  using layers = new TunedLayers(source, { tensor, original: codes ? original : undefined });
  const adam = new Adam(layers.parameters());
  if (options.state) adam.restore(options.state);
  const begun = async () => {
    const before = await layers.divergence(back, signal);
    const start = adam.save();
    return { ...start, before, after: before, best: start.values };
  };
  let state = options.state ?? await begun();
  for (const [epoch, batches] of plan.epochs.entries()) {
    for (const [i, batch] of batches.entries()) {
      const step = plan.step(epoch, i);
      if (step < state.steps) continue;
      await layers.pull(batch, signal);
      adam.step(plan.rate(step));
      onStep?.(step + 1, plan.steps);
      const last = i === batches.length - 1;
      if (!last && (step + 1) % KEPT_STEPS > 0) continue;
      state = { ...state, ...adam.save() };
      if (last) {
        const divergence = await layers.divergence(back, signal);
        if (divergence < state.after) state = { ...state, after: divergence, best: state.values };
      }
      onState?.(state);
    }
  }
  const { before, after, best } = state;
  adam.setValues(best);
  return { tensors: after < before ? layers.rounded() : new Map(), before, after };
}

/** All layers of a model, of which one is on the backend at a time, and its head. */
class TunedLayers implements Disposable {
  readonly #source: TunedSource;
  readonly #tensor: (name: string) => Tensor | undefined;
  /** By tensor name, of each layer. */
  readonly #layers: ReadonlyMap<string, TunedTensor>[] = [];
  readonly #head: Head;

  constructor(
    source: TunedSource,
    { tensor, original }: {
      tensor: (name: string) => Tensor | undefined;
      original?: (name: string) => Float32Array;
    },
  ) {
    this.#source = source;
    this.#tensor = tensor;
    for (const layer of source.layout.layers.keys()) {
      using block = new Block(source, { layer, tensor });
      this.#layers.push(block.tuned(original));
    }
    this.#head = new Head(source);
  }

  parameters() {
    return this.#layers.flatMap((tuned) => [...tuned.values()].flatMap(({ parameters }) => parameters));
  }

  rounded(): Map<string, Tensor> {
    return new Map(
      this.#layers.flatMap((tuned) => Array.from(tuned, ([name, one]) => [name, one.rounded()] as const)),
    );
  }

  #block(layer: number, rounded: boolean): Block {
    const tensor = (name: string): Tensor | undefined => {
      const own = this.#tensor(name);
      const tuned = this.#layers[layer]!.get(name);
      if (!own || !tuned) return own;
      return rounded ? tuned.rounded() : { rows: own.rows, cols: own.cols, data: tuned.values() };
    };
    return new Block(this.#source, { layer, tensor });
  }

  /** What each layer is given, of each sequence, and what the last one gives. */
  async #inputs(
    batch: readonly Example[],
    { rounded, signal }: Abortable & { rounded: boolean },
  ): Promise<Float32Array[][]> {
    const inputs = [batch.map(({ input }) => input)];
    for (const layer of this.#layers.keys()) {
      using block = this.#block(layer, rounded);
      const outputs: Float32Array[] = [];
      for (const hidden of inputs[layer]!) {
        outputs.push(await block.forward(hidden));
        await pause(signal);
      }
      inputs.push(outputs);
    }
    return inputs;
  }

  /** The mean divergence of its predictions, after rounding, from those of the original, in nats a token. */
  async divergence(batch: readonly Example[], signal?: AbortSignal): Promise<number> {
    const { vocab_size: vocab, hidden_size } = this.#source.config;
    const outputs = (await this.#inputs(batch, { rounded: true, signal })).at(-1)!;
    let [sum, tokens] = [0, 0];
    for (const [i, { target }] of batch.entries()) {
      const expected = await this.#head.logits(target);
      const logits = await this.#head.logits(outputs[i]!);
      sum += divergence(expected, logits, vocab);
      tokens += target.length / hidden_size;
      await pause(signal);
    }
    return sum / tokens;
  }

  /** Sets all parameters' gradients, by the divergence of some sequences. */
  async pull(batch: readonly Example[], signal?: AbortSignal): Promise<void> {
    const vocab = this.#source.config.vocab_size;
    const inputs = await this.#inputs(batch, { rounded: false, signal });
    let gradients: Float32Array[] = [];
    for (const [i, { target }] of batch.entries()) {
      const expected = await this.#head.logits(target);
      const logits = await this.#head.logits(inputs.at(-1)![i]!);
      divergenceGradient(expected, { logits, vocab });
      gradients.push(await this.#head.backward(logits));
      await pause(signal);
    }
    for (const [layer, tuned] of [...this.#layers.entries()].reverse()) {
      using block = this.#block(layer, false);
      block.want(tuned.keys());
      const before: Float32Array[] = [];
      for (const [i, gradient] of gradients.entries()) {
        await block.forward(inputs[layer]![i]!);
        before.push(await block.backward(gradient));
        await pause(signal);
      }
      for (const [name, one] of tuned) one.pull(await block.gradient(name));
      gradients = before;
    }
  }

  [Symbol.dispose](): void {
    this.#head[Symbol.dispose]();
  }
}
