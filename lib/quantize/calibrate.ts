/**
 * Calibration: what the columns of each Linear are multiplied by.
 *
 * @module
 */
import { interruptible } from "../event_loop.ts";
import type { Backend, Tensor } from "../compute/backend.ts";
import { OptionError } from "../errors.ts";
import { CALIBRATION_SAMPLE } from "./calibration_sample.ts";
import type { ModelConfig } from "../model/decoder/config.ts";
import type { Model } from "../model/model.ts";
import type { Tokenizer } from "../model/tokenizer/tokenizer.ts";

/** Statistics of a Linear's input over the tokens of a sample: one number a column. */
export interface ColumnStats {
  /** Tokens seen. */
  tokens: number;
  /** [cols] mean x. */
  mean: Float64Array;
  /** [cols] mean |x|. */
  meanAbs: Float64Array;
  /** [cols] mean x², the diagonal of the layer's Hessian up to a factor. */
  meanSquare: Float64Array;
}

/** Column statistics by the Linears' module names. Linears that share an input share the object. */
export type Calibration = ReadonlyMap<string, ColumnStats>;

/** How a model is calibrated. */
export interface CalibrateOptions {
  /** The sample, or several, each from its own start; the library's own text of five kinds when absent. */
  text?: string | readonly string[];
  /** Tokens of it that are used, from the first on; all when absent. */
  maxTokens?: number;
  /** Which Linears; all when absent. */
  linears?: Iterable<string>;
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
 * import { calibrate, loadModel } from "any4";
 * using model = await loadModel("tinyworld");
 * const stats = await calibrate(model);
 * console.log(stats.get("model.layers.0.mlp.down_proj")?.meanSquare.length); // 768
 * ```
 */
export function calibrate(model: Model, options: CalibrateOptions = {}): Promise<Calibration> {
  return interruptible(() => collectAll(model, options));
}

async function collectAll(model: Model, options: CalibrateOptions): Promise<Calibration> {
  const pieces = piecesOf(model, options);
  const wanted = options.linears ? new Set(options.linears) : undefined;
  const stats = await collect(model, { pieces, wanted });
  const unseen = model.linears().filter((name) => (wanted?.has(name) ?? true) && !stats.has(name));
  if (unseen.length > 0) {
    const all = await collect(model, { pieces, wanted: new Set(unseen), everyExpert: true });
    for (const name of unseen) stats.set(name, all.get(name)!);
  }
  return stats;
}

/** Statistics of the Linears that are wanted, or of all that tokens meet. */
async function collect(
  model: Model,
  options: { pieces: number[][]; wanted?: ReadonlySet<string>; everyExpert?: boolean },
): Promise<Map<string, ColumnStats>> {
  const { pieces, wanted, everyExpert } = options;
  const last = wanted && model.linears().findLast((name) => wanted.has(name));
  const sums = new ColumnSums(model.backend);
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
  return sums.means();
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

/** Adds up the columns of what Linears are given. */
export class ColumnSums {
  readonly #backend: Backend;
  readonly #sums = new Map<string, ColumnStats>();

  /** @param backend where the inputs are. */
  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Adds some tokens of the input, [tokens, cols], that some Linears share. */
  async add(linears: readonly string[], input: Tensor): Promise<void> {
    const { rows, cols } = input;
    let entry = this.#sums.get(linears[0]!);
    if (!entry) {
      const zeros = () => new Float64Array(cols);
      entry = { tokens: 0, mean: zeros(), meanAbs: zeros(), meanSquare: zeros() };
      for (const name of linears) this.#sums.set(name, entry);
    }
    const part = await this.#backend.columnSums(input);
    for (const [i, sums] of [entry.mean, entry.meanAbs, entry.meanSquare].entries()) {
      for (let c = 0; c < cols; c++) sums[c]! += part[i * cols + c]!;
    }
    entry.tokens += rows;
  }

  /** The means over all tokens; nothing can be added any more. */
  means(): Map<string, ColumnStats> {
    for (const entry of new Set(this.#sums.values())) {
      for (const sums of [entry.mean, entry.meanAbs, entry.meanSquare]) {
        for (let c = 0; c < sums.length; c++) sums[c]! /= entry.tokens;
      }
    }
    return this.#sums;
  }
}
