/**
 * Tuning of a whole model's codebooks, scales, zeros and norms against the original's predictions, with one layer in memory.
 *
 * The paper of PV-tuning (Malinovskii and others 2024) finds that what comes of all layers together counts; here codes stay.
 *
 * @module
 */
import { type Abortable, pause } from "../event_loop.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";
import type { Source } from "../model/source.ts";
import { Random } from "../random.ts";
import { Adam } from "./adam.ts";
import { Block } from "./block.ts";
import { divergenceGradient, Head } from "./head.ts";
import { TunedLinear, type TunedTensor, TunedVector } from "./tuned_tensor.ts";

type Tensor = Matrix | PackedMatrix;

/** A sequence: what the first layer is given, and what the original's last layer gives, [tokens, hidden_size] each. */
export interface Sequence {
  readonly input: Float32Array;
  readonly target: Float32Array;
}

export interface TuneModelOptions extends Abortable {
  epochs?: number;
  rate?: number;
  batchTokens?: number;
  held?: number;
  tensor: (name: string) => Tensor | undefined;
  sequences: readonly Sequence[];
  onStep?: (done: number, steps: number, loss: number) => void;
}

export async function tuneModel(
  source: Pick<Source, "config" | "layout" | "backend" | "tensor">,
  options: TuneModelOptions,
): Promise<{ tensors: ReadonlyMap<string, Tensor>; before: number; after: number }> {
  const { sequences, onStep, signal, tensor } = options;
  const { epochs = 4, rate = 0.003, batchTokens = 1024, held = 0.125 } = options;
  using descent = new Descent(source, tensor);
  const back = sequences.filter((_, i) => Math.floor((i + 1) * held) > Math.floor(i * held));
  const kept = back.length === 0 ? [...sequences] : sequences.filter((one) => !back.includes(one));
  const { hidden_size } = source.config;
  const size = ({ input }: Sequence) => input.length / hidden_size;
  const tokens = kept.reduce((sum, one) => sum + size(one), 0);
  const steps = epochs * Math.ceil(tokens / batchTokens);
  const random = new Random(1);
  const before = await descent.loss(back);
  let [after, best]: [number, ReadonlyMap<string, Tensor>] = [before, new Map()];
  let done = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = kept.map((_, i) => i);
    for (let i = order.length - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    for (let at = 0; at < order.length;) {
      const batch: Sequence[] = [];
      for (let sum = 0; at < order.length && sum < batchTokens; at++) {
        batch.push(kept[order[at]!]!);
        sum += size(batch.at(-1)!);
      }
      const loss = await descent.pull(batch, signal);
      descent.step(rate * (1 + Math.cos(Math.PI * Math.min(done, steps) / steps)) / 2);
      onStep?.(++done, Math.max(steps, done), loss);
    }
    const rounded = descent.rounded();
    const now = await descent.loss(back, rounded);
    if (now < after) [after, best] = [now, rounded];
  }
  return { tensors: best, before, after };
}

class Descent implements Disposable {
  readonly #source: Pick<Source, "config" | "layout" | "backend" | "tensor">;
  readonly #tensor: (name: string) => Tensor | undefined;
  readonly #tuned = new Map<string, TunedTensor>();
  readonly #layers: string[][] = [];
  readonly #adam: Adam;
  readonly #head: Head;

  constructor(
    source: Pick<Source, "config" | "layout" | "backend" | "tensor">,
    tensor: (name: string) => Tensor | undefined,
  ) {
    this.#source = source;
    this.#tensor = tensor;
    this.#head = new Head(source);
    for (const layer of source.layout.layers.keys()) {
      using block = new Block(source, { layer, tensor });
      const names: string[] = [];
      for (const name of block.names()) {
        const found = tensor(name)!;
        if (!isPacked(found) && found.rows > 1) continue;
        this.#tuned.set(
          name,
          isPacked(found) ? new TunedLinear(found) : new TunedVector(found, block.offset(name)),
        );
        names.push(name);
      }
      this.#layers.push(names);
    }
    this.#adam = new Adam([...this.#tuned.values()].flatMap(({ parameters }) => parameters));
  }

  #block(layer: number, rounded?: ReadonlyMap<string, Tensor>): Block {
    const tensor = (name: string): Tensor | undefined => {
      const now = rounded?.get(name);
      if (now) return now;
      const own = this.#tensor(name);
      const tuned = this.#tuned.get(name);
      return own && tuned ? { rows: own.rows, cols: own.cols, data: tuned.values() } : own;
    };
    return new Block(this.#source, { layer, tensor });
  }

  async #forward(
    batch: readonly Sequence[],
    options: { rounded?: ReadonlyMap<string, Tensor>; signal?: AbortSignal } = {},
  ): Promise<Float32Array[][]> {
    const inputs: Float32Array[][] = [batch.map(({ input }) => input)];
    for (const layer of this.#layers.keys()) {
      using block = this.#block(layer, options.rounded);
      const outputs: Float32Array[] = [];
      for (const hidden of inputs[layer]!) outputs.push(await block.forward(hidden));
      inputs.push(outputs);
      await pause(options.signal);
    }
    return inputs;
  }

  async loss(batch: readonly Sequence[], rounded?: ReadonlyMap<string, Tensor>): Promise<number> {
    const vocab = this.#source.config.vocab_size;
    const outputs = (await this.#forward(batch, { rounded })).at(-1)!;
    let [sum, tokens] = [0, 0];
    for (const [i, { target }] of batch.entries()) {
      const expected = await this.#head.logits(target);
      const logits = await this.#head.logits(outputs[i]!);
      sum += divergenceGradient(expected, { logits, vocab });
      tokens += logits.length / vocab;
    }
    return sum / tokens;
  }

  async pull(batch: readonly Sequence[], signal?: AbortSignal): Promise<number> {
    const vocab = this.#source.config.vocab_size;
    const inputs = await this.#forward(batch, { signal });
    let [sum, tokens] = [0, 0];
    let gradients: Float32Array[] = [];
    for (const [i, { target }] of batch.entries()) {
      const expected = await this.#head.logits(target);
      const logits = await this.#head.logits(inputs.at(-1)![i]!);
      tokens += logits.length / vocab;
      sum += divergenceGradient(expected, { logits, vocab });
      gradients.push(await this.#head.backward(logits));
      await pause(signal);
    }
    for (let layer = this.#layers.length - 1; layer >= 0; layer--) {
      using block = this.#block(layer);
      block.want(this.#layers[layer]!);
      const before: Float32Array[] = [];
      for (const [i, gradient] of gradients.entries()) {
        await block.forward(inputs[layer]![i]!);
        before.push(await block.backward(gradient));
        await pause(signal);
      }
      for (const name of this.#layers[layer]!) this.#tuned.get(name)!.pull(await block.gradient(name));
      gradients = before;
    }
    return sum / tokens;
  }

  step(rate: number): void {
    this.#adam.step(rate);
  }

  rounded(): ReadonlyMap<string, Tensor> {
    return new Map(Array.from(this.#tuned, ([name, one]) => [name, one.rounded()]));
  }

  [Symbol.dispose](): void {
    this.#head[Symbol.dispose]();
  }
}
