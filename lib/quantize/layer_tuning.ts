/**
 * Tuning of one layer after another, each on the model whose earlier layers are quantized and tuned.
 *
 * @module
 */
import { joined } from "../joined.ts";
import { linearNames } from "../model/decoder/layout.ts";
import type { Source } from "../model/source.ts";
import { tuneBlock } from "../tune/tune_block.ts";
import { type SampleOptions, sumsOfLayer } from "./calibrate.ts";
import { doneOfLayer } from "./done_layer.ts";
import { meansOf } from "./input_sums.ts";
import { LayerPass, type PassState } from "./layer_pass.ts";
import { denseWeights } from "./quantize_linear.ts";
import type { Store } from "./store.ts";
import { examplesOf, keepTuned, piecesOf, untuned } from "./tuning_text.ts";
import type { Tuning } from "./tuning_options.ts";

/** The name of its pass in a store. */
const PASS = "tuning";

/** Tunes layers in the model's order. */
export class LayerTuning {
  readonly #source: Source;
  readonly #store: Store;
  readonly #options: Tuning & Pick<SampleOptions, "signal">;
  readonly #pieces: readonly (readonly number[])[];
  /** The next layer, and what it is given: all sequences in the original model, then in the tuned one. */
  #state: PassState;

  private constructor(
    source: Source,
    means: {
      store: Store;
      options: Tuning & Pick<SampleOptions, "signal">;
      pieces: number[][];
      state: PassState;
    },
  ) {
    this.#source = source;
    this.#store = means.store;
    this.#options = means.options;
    this.#pieces = means.pieces;
    this.#state = means.state;
  }

  /**
   * Begins, or resumes before the layer that a store's pass is at.
   *
   * @throws {OptionError} when an option is out of range, or there is no text.
   */
  static async open(
    source: Source,
    store: Store,
    options: Tuning & Pick<SampleOptions, "signal">,
  ): Promise<LayerTuning> {
    const pieces = piecesOf(source, options);
    const begin = async () => {
      const { state } = await LayerPass.begin(source, { pieces, signal: options.signal });
      return { layer: 0, hidden: joined([state.hidden, state.hidden]) };
    };
    const state = store.get("pass", PASS) ?? await begin();
    return new LayerTuning(source, { store, options, pieces, state });
  }

  /** The layer that comes next: those before it are tuned. */
  get layer(): number {
    return this.#state.layer;
  }

  /**
   * Tunes the next layer, of which a store has all Linears, and keeps what has changed.
   *
   * @param onStep is told of each step.
   */
  async advance(onStep?: (done: number, steps: number) => void): Promise<void> {
    const [source, store, options] = [this.#source, this.#store, this.#options];
    const { layer, hidden } = this.#state;
    const half = hidden.length / 2;
    const { signal } = options;
    const sample = { pieces: this.#pieces, partOf: () => 0, signal };
    const pass = (from: number) =>
      new LayerPass(source, sample, { layer, hidden: hidden.subarray(from, from + half) });
    const linears = linearNames(source.layout, layer);
    const exact = pass(0);
    using part = source.part(layer);
    const stats = meansOf(await sumsOfLayer(source, { pass: exact, part, sample, linears }));
    const replaced = new Map(doneOfLayer(source, store, { layer, tuned: false }));
    const tensor = (name: string) => replaced.get(name) ?? untuned(source, name);
    const examples = examplesOf(source, this.#pieces, {
      inputs: hidden.subarray(half),
      targets: exact.state.hidden,
    });
    const original = (name: string) => denseWeights(source.tensor(name)!, name).data;
    const how = { ...options, layer, tensor, original, examples, onStep };
    const { tensors } = await tuneBlock(source, how);
    keepTuned(source, store, { tensors, meanSquare: (linear) => stats.get(linear)?.meanSquare });
    for (const [name, tuned] of tensors) replaced.set(name, tuned);
    using after = source.part(layer, replaced);
    const quantized = pass(half);
    await quantized.advance(after);
    this.#state = { layer: layer + 1, hidden: joined([exact.state.hidden, quantized.state.hidden]) };
    store.set("pass", PASS, this.#state);
  }
}
