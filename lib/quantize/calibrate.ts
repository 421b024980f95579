/**
 * Calibration: what the columns of each Linear are multiplied by.
 *
 * @module
 */
import { interruptible } from "../event_loop.ts";
import type { Backend, Tensor } from "../compute/backend.ts";
import { OptionError } from "../errors.ts";
import type { InputStats } from "../learn/input_stats.ts";
import { CALIBRATION_SAMPLE } from "./calibration_sample.ts";
import type { ModelConfig } from "../model/decoder/config.ts";
import type { Model } from "../model/model.ts";
import type { Tokenizer } from "../model/tokenizer/tokenizer.ts";

/** Statistics by the Linears' module names. Linears that share an input share the object. */
export type Calibration = ReadonlyMap<string, InputStats>;

/** How a model is calibrated. */
export interface CalibrateOptions {
  /** The sample, or several, each from its own start; the library's own text of five kinds when absent. */
  text?: string | readonly string[];
  /** Tokens of it that are used, from the first on; all when absent. */
  maxTokens?: number;
  /** Which Linears; all when absent. */
  linears?: Iterable<string>;
  /** Collect E[x xᵀ] too, [cols, cols] singles an input; false when absent. */
  gram?: boolean;
}

/**
 * Runs one sample or several through a model and collects statistics of every Linear's input. A sample longer than the
 * model's context is seen in pieces of that length. An expert is judged by the tokens that went to it; one to which none
 * went, by all tokens of its layer, in a second pass.
 *
 * @throws {OptionError} when the samples are empty, or maxTokens is not a whole number of at least 1.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { calibrate, loadModel } from "any4";
 * using model = await loadModel("tinyworld");
 * const stats = await calibrate(model, { gram: true });
 * const { meanSquare, gram } = stats.get("model.layers.0.mlp.down_proj")!;
 * assertEquals([meanSquare.length, gram!.length], [768, 768 * 768]);
 * ```
 */
export function calibrate(model: Model, options: CalibrateOptions = {}): Promise<Calibration> {
  return interruptible(() => collectAll(model, options));
}

async function collectAll(model: Model, options: CalibrateOptions): Promise<Calibration> {
  const pieces = piecesOf(model, options);
  const { gram } = options;
  const wanted = options.linears ? new Set(options.linears) : undefined;
  const stats = await collect(model, { pieces, wanted, gram });
  const unseen = model.linears().filter((name) => (wanted?.has(name) ?? true) && !stats.has(name));
  if (unseen.length > 0) {
    const all = await collect(model, { pieces, wanted: new Set(unseen), gram, everyExpert: true });
    for (const name of unseen) stats.set(name, all.get(name)!);
  }
  return stats;
}

/** Statistics of the Linears that are wanted, or of all that tokens meet. */
async function collect(
  model: Model,
  options: { pieces: number[][]; wanted?: ReadonlySet<string>; gram?: boolean; everyExpert?: boolean },
): Promise<Map<string, InputStats>> {
  const { pieces, wanted, everyExpert } = options;
  const last = wanted && model.linears().findLast((name) => wanted.has(name));
  const sums = new InputSums(model.backend, options);
  for (const piece of pieces) {
    using session = model.session(piece.length);
    await session.forward(piece, {
      logits: "none",
      everyExpert,
      async observe(linears, input) {
        if (wanted && !linears.some((name) => wanted.has(name))) return;
        await sums.add(linears, input);
        // Layers behind the last one that is wanted need not run.
        if (last !== undefined && linears.includes(last)) return "stop";
      },
    });
  }
  return await sums.means();
}

/**
 * Ids of samples in pieces that fit a model's context.
 *
 * @throws {OptionError} when the samples are empty, or maxTokens is not a whole number of at least 1.
 */
export function piecesOf(
  model: { tokenizer: Tokenizer; config: ModelConfig },
  { text = CALIBRATION_SAMPLE, maxTokens = Infinity }: CalibrateOptions,
): number[][] {
  if (maxTokens !== Infinity && !(Number.isSafeInteger(maxTokens) && maxTokens >= 1)) {
    throw new OptionError(
      `Cannot calibrate: maxTokens must be a whole number of at least 1, current value is ${maxTokens}`,
    );
  }
  const context = model.config.max_position_embeddings;
  const pieces: number[][] = [];
  let left = maxTokens;
  for (const sample of typeof text === "string" ? [text] : text) {
    const ids = model.tokenizer.encode(sample).slice(0, left);
    left -= ids.length;
    for (let from = 0; from < ids.length; from += context) pieces.push(ids.slice(from, from + context));
    if (left === 0) break;
  }
  if (pieces.length === 0) throw new OptionError("Cannot calibrate with an empty text");
  return pieces;
}

/** Adds up what Linears are given: its columns, and its outer products where they are asked for. */
export class InputSums {
  readonly #backend: Backend;
  readonly #gram: boolean;
  readonly #sums = new Map<string, InputStats>();
  /** Σ x xᵀ of each input, where the backend keeps them. */
  readonly #grams = new Map<InputStats, Tensor>();

  /**
   * @param backend where the inputs are.
   * @param options.gram whether E[x xᵀ] is wanted; [cols, cols] singles of the backend's memory for each input.
   */
  constructor(backend: Backend, options: { gram?: boolean } = {}) {
    this.#backend = backend;
    this.#gram = options.gram ?? false;
  }

  /** Adds some tokens of the input, [tokens, cols], that some Linears share. */
  async add(linears: readonly string[], input: Tensor): Promise<void> {
    const { rows } = input;
    const entry = this.#sums.get(linears[0]!) ?? this.#begin(linears, input.cols);
    const gram = this.#grams.get(entry);
    if (gram) this.#backend.gram(gram, input);
    const part = await this.#backend.columnSums(input);
    for (const [i, sums] of columnsOf(entry).entries()) {
      for (let c = 0; c < sums.length; c++) sums[c]! += part[i * sums.length + c]!;
    }
    entry.tokens += rows;
  }

  #begin(linears: readonly string[], cols: number): InputStats {
    const zeros = () => new Float64Array(cols);
    const entry: InputStats = { tokens: 0, mean: zeros(), meanAbs: zeros(), meanSquare: zeros() };
    for (const name of linears) this.#sums.set(name, entry);
    if (this.#gram) {
      const gram = this.#backend.tensor(cols, cols);
      this.#backend.write(gram, new Float32Array(cols * cols));
      this.#grams.set(entry, gram);
    }
    return entry;
  }

  /** The means over all tokens; nothing can be added any more. */
  async means(): Promise<Map<string, InputStats>> {
    for (const entry of new Set(this.#sums.values())) {
      const all: (Float64Array | Float32Array)[] = columnsOf(entry);
      const gram = this.#grams.get(entry);
      if (gram) {
        all.push(entry.gram = await this.#backend.read(gram));
        this.#backend.free?.(gram);
      }
      for (const sums of all) for (let i = 0; i < sums.length; i++) sums[i]! /= entry.tokens;
    }
    this.#grams.clear();
    return this.#sums;
  }
}

const columnsOf = ({ mean, meanAbs, meanSquare }: InputStats) => [mean, meanAbs, meanSquare];
