/**
 * Tuning of one layer after another, each on the model whose earlier layers are quantized and tuned.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { linearNames } from "../model/decoder/layout.ts";
import type { Source } from "../model/source.ts";
import { checkTuneOptions, type Example, tuneBlock, type TuneOptions } from "../tune/tune_block.ts";
import { isPacked } from "../matrix/packed_matrix.ts";
import { sampleOf, type SampleOptions, sumsOfLayer } from "./calibrate.ts";
import { doneOfLayer } from "./done_layer.ts";
import { meansOf } from "./input_sums.ts";
import { LayerPass, type PassState } from "./layer_pass.ts";
import { denseWeights, noiseToSignal } from "./quantize_linear.ts";
import type { Store } from "./store.ts";

/** How layers are tuned, and on what. */
export interface BlockTuning extends TuneOptions {
  /** The text or texts to tune on; those of the calibration when absent, or the library's own. */
  text?: string | readonly string[];
  /** Tokens of a sequence at most: texts are cut into sequences of this length. 256 when absent. */
  window?: number;
}

/** The options that can be given as text. */
const NAMES: readonly string[] = [
  "epochs",
  "rate",
  "batchTokens",
  "codes",
  "window",
] satisfies (keyof BlockTuning)[];

/**
 * Parses options of tuning, as the tasks take them: "epochs=4:codes=true"; none of them is an empty text.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseBlockTuning } from "any4/quantize";
 * assertEquals(parseBlockTuning("epochs=4:codes=true"), { epochs: 4, codes: true });
 * ```
 */
export function parseBlockTuning(text: string): BlockTuning {
  const parsed = text.split(":").filter((part) => part !== "").map((part): [string, number | boolean] => {
    const [, key = "", value = ""] = /^([^=]+)=(.+)$/.exec(part) ?? [];
    if (!NAMES.includes(key) || (key === "codes" && value !== "true" && value !== "false")) {
      throw new OptionError(`Cannot tune with "${part}": expected option=value of ${NAMES.join(", ")}`);
    }
    return [key, key === "codes" ? value === "true" : Number(value)];
  });
  const tuning: BlockTuning = Object.fromEntries(parsed);
  checkBlockTuning(tuning);
  return tuning;
}

/** The name of its pass in a store. */
const PASS = "tuning";

/** Tunes layers in the model's order. */
export class LayerTuning {
  readonly #source: Source;
  readonly #store: Store;
  readonly #options: BlockTuning & Pick<SampleOptions, "signal">;
  readonly #pieces: readonly (readonly number[])[];
  /** The next layer, and what it is given: all sequences in the original model, then in the tuned one. */
  #state: PassState;

  private constructor(
    source: Source,
    means: {
      store: Store;
      options: BlockTuning & Pick<SampleOptions, "signal">;
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
    options: BlockTuning & Pick<SampleOptions, "signal">,
  ): Promise<LayerTuning> {
    checkBlockTuning(options);
    const { window = 256 } = options;
    const pieces: number[][] = [];
    for (const piece of sampleOf(source, { ...options, tokenWeights: undefined, gram: true }).pieces) {
      for (let from = 0; from < piece.length; from += window) {
        pieces.push(piece.slice(from, from + window) as number[]);
      }
    }
    const begin = async () => {
      const { state } = await LayerPass.begin(source, { pieces, signal: options.signal });
      return { layer: 0, hidden: joined(state.hidden, state.hidden) };
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
    const tensor = (name: string) => replaced.get(name) ?? source.tensor(name);
    const examples = this.#examples(hidden.subarray(half), exact.state.hidden);
    const original = (name: string) => denseWeights(source.tensor(name)!, name).data;
    const how = { ...options, layer, tensor, original, examples, onStep };
    const { tensors } = await tuneBlock(source, how);
    for (const [name, tuned] of tensors) {
      replaced.set(name, tuned);
      if (!isPacked(tuned)) {
        store.set("vector", name, tuned);
        continue;
      }
      const linear = name.replace(/\.weight$/, "");
      const weights = denseWeights(source.weights(linear), linear);
      const error = noiseToSignal(weights, tuned, stats.get(linear)?.meanSquare);
      store.set("tuned", linear, { packed: tuned, error });
    }
    using after = source.part(layer, replaced);
    const quantized = pass(half);
    await quantized.advance(after);
    this.#state = { layer: layer + 1, hidden: joined(exact.state.hidden, quantized.state.hidden) };
    store.set("pass", PASS, this.#state);
  }

  #examples(inputs: Float32Array, targets: Float32Array): Example[] {
    const { hidden_size } = this.#source.config;
    let to = 0;
    return this.#pieces.map(({ length }) => {
      const [from, end] = [to, to += length * hidden_size];
      return { input: inputs.subarray(from, end), target: targets.subarray(from, end) };
    });
  }
}

/** Checks how layers are to be tuned. @throws {OptionError} when an option is out of range. */
export function checkBlockTuning({ window = 2, ...options }: BlockTuning): void {
  checkTuneOptions(options);
  if (!Number.isSafeInteger(window) || window < 2) {
    throw new OptionError(
      `Cannot tune: window must be a whole number of at least 2, current value is ${window}`,
    );
  }
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
