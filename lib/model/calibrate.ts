/**
 * Calibration: what the columns of each Linear are multiplied by.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { CALIBRATION_SAMPLE } from "./calibration_sample.ts";
import type { Model } from "./model.ts";

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
 * model's context is seen in pieces of that length.
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
export async function calibrate(model: Model, options: CalibrateOptions = {}): Promise<Calibration> {
  const pieces = piecesOf(model, options);
  const wanted = options.linears ? new Set(options.linears) : undefined;
  const last = wanted && model.linears().findLast((name) => wanted.has(name));
  const stats = new Map<string, ColumnStats>();
  for (const piece of pieces) {
    using session = model.session(piece.length);
    await session.forward(piece, {
      logits: "none",
      async observe(linears, input) {
        if (wanted && !linears.some((name) => wanted.has(name))) return;
        let entry = stats.get(linears[0]!);
        if (!entry) {
          const zeros = () => new Float64Array(input.cols);
          entry = { tokens: 0, mean: zeros(), meanAbs: zeros(), meanSquare: zeros() };
          for (const name of linears) stats.set(name, entry);
        }
        add(entry, { tokens: input.rows, sums: await model.backend.columnSums(input) });
        // Layers behind the last one that is wanted need not run.
        if (last !== undefined && linears.includes(last)) return "stop";
      },
    });
  }
  for (const entry of new Set(stats.values())) {
    for (const sums of [entry.mean, entry.meanAbs, entry.meanSquare]) {
      for (let c = 0; c < sums.length; c++) sums[c]! /= entry.tokens;
    }
  }
  return stats;
}

/** Ids of the samples, in pieces that fit the model's context. */
function piecesOf(
  model: Model,
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

/** Adds the sums over some tokens, [3, cols], to running sums. */
function add(total: ColumnStats, part: { tokens: number; sums: Float64Array }): void {
  for (const [i, sums] of [total.mean, total.meanAbs, total.meanSquare].entries()) {
    for (let c = 0; c < sums.length; c++) sums[c]! += part.sums[i * sums.length + c]!;
  }
  total.tokens += part.tokens;
}
