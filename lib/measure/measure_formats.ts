/**
 * The costs of several number formats on a model: size, perplexity, divergence, errors of every layer.
 *
 * @module
 */
import { interruptible } from "../event_loop.ts";
import type { Format } from "../formats/format.ts";
import { methodOf } from "../learn/methods/mod.ts";
import { isPacked } from "../matrix/packed_matrix.ts";
import { calibrate } from "../quantize/calibrate.ts";
import type { Model } from "../model/model.ts";
import type { QuantizeModelOptions } from "../quantize/options.ts";
import { textOf } from "../quantize/pipeline.ts";
import { parseChoice } from "../quantize/plan.ts";
import { quantizeModel } from "../quantize/quantize_model.ts";
import { type LayerError, layerErrors } from "./layer_error.ts";
import {
  compare,
  type Comparison,
  type Perplexity,
  type PerplexityOptions,
  type Reference,
  referenceLogits,
} from "./perplexity.ts";

/** Options of {@linkcode measureFormats}, with those of quantization and of perplexity. */
export interface MeasureFormatsOptions
  extends Omit<QuantizeModelOptions, "format" | "onProgress">, Omit<PerplexityOptions, "onProgress"> {
  /** The formats, "any4" or with a group size "any4:64", "any4:row"; all but the symmetric integers when absent. */
  formats?: readonly (string | Format)[];
  /** Called with each quantized model after its measurement, and its row's name; it is disposed of afterwards. */
  onModel?: (small: Model, format: Format, name: string) => void | Promise<void>;
  /** Called with the part that is done, from 0 to 1, and the current format. */
  onProgress?: (done: number, what: string) => void;
}

/** The costs of one format. */
export interface FormatCost extends Comparison {
  /** The format as asked for, with its group size if that was: "any4" or "any4:64". */
  name: string;
  /** The format's name: "any4". */
  format: string;
  /** The method's name: "kmeans". */
  method: string;
  /** Bits of a code. */
  bits: number;
  /** Columns that share a scale. */
  groupSize: number;
  /** Stored bits per quantized weight: codes, scales, zeros and codebooks. */
  bitsPerWeight: number;
  /** Bytes of the whole model. */
  bytes: number;
  /** Mean relative error of the layers' outputs. */
  layerError: number;
  /** The errors of every Linear. */
  layers: LayerError[];
  /** Seconds to quantize. */
  seconds: number;
  /** Whether the format's values are learned from the weights. */
  learned: boolean;
}

/** Formats measured beside the original. */
export interface FormatCosts {
  /** The original's own numbers. */
  baseline: Perplexity & { bitsPerWeight: number; bytes: number };
  /** One row per format, in the order given. */
  rows: FormatCost[];
}

/** The default formats of {@linkcode measureFormats}. */
export const MEASURED_FORMATS: readonly string[] = [
  "int8",
  "int4",
  "fp4",
  "nf4",
  "af4",
  "mx4",
  "any4",
  "int3",
  "any3",
  "int2",
  "any2",
];

/**
 * Quantizes a model to each of several formats and measures them all on the same tokens.
 *
 * @throws {OptionError} when a format or an option is unknown or out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadModel } from "any4";
 * import { measureFormats } from "any4/measure";
 * using model = await loadModel("tinyworld");
 * const { rows } = await measureFormats(model, { formats: ["int4", "any4"], maxTokens: 100 });
 * assertEquals(rows.map(({ format }) => format), ["int4", "any4"]);
 * ```
 */
export function measureFormats(model: Model, options: MeasureFormatsOptions = {}): Promise<FormatCosts> {
  return interruptible(() => measureAll(model, options));
}

async function measureAll(model: Model, options: MeasureFormatsOptions): Promise<FormatCosts> {
  const { formats = MEASURED_FORMATS, onModel, onProgress, ...rest } = options;
  const chosen = formats.map((format) =>
    typeof format === "string" ? parseChoice(format, rest.groupSize) : { format, groupSize: rest.groupSize }
  );
  // The original counts as much as a format for progress.
  const steps = chosen.length + 1;
  const reference = await referenceLogits(model, {
    ...rest,
    onProgress: (part, total) => onProgress?.(part / total / steps, model.name),
  });
  const text = textOf(rest.calibration);
  // One calibration serves every format, unless calibration is sequential and depends on the format.
  const calibration = rest.sequential || (rest.calibration && !text)
    ? rest.calibration
    : await calibrate(model, { text, gram: methodOf(rest.method).needs === "gram" });
  const rows: FormatCost[] = [];
  for (const [index, choice] of chosen.entries()) {
    const { format } = choice;
    const name = typeof formats[index] === "string" ? formats[index] : format.name;
    const onPart = (part: number) => onProgress?.((index + 1 + part) / steps, name);
    const settings = { ...rest, ...choice, calibration, onPart };
    const { row, small } = await measureModel(model, reference, settings);
    using _ = small;
    rows.push({ name, ...row, format: format.name, bits: format.bits, learned: format.values === null });
    await onModel?.(small, format, name);
    onPart(1);
  }
  const { bitsPerWeight, size: { bytes } } = model;
  return { baseline: { ...reference.perplexity, bitsPerWeight, bytes }, rows };
}

/** Quantizes a model and measures what that costs; the quantized model is the caller's. */
export async function measureModel(
  model: Model,
  reference: Reference,
  options: Omit<QuantizeModelOptions, "onProgress"> & { onPart?: (part: number) => void },
): Promise<{ small: Model; row: Omit<FormatCost, "name" | "format" | "bits" | "learned"> }> {
  const { onPart, ...rest } = options;
  onPart?.(0);
  const started = performance.now();
  const small = await quantizeModel(model, {
    ...rest,
    onProgress: (part, total) => onPart?.(0.3 * part / total),
  });
  const seconds = (performance.now() - started) / 1000;
  const comparison = await compare(small, reference, {
    onProgress: (part, total) => onPart?.(0.3 + 0.6 * part / total),
  });
  const layers = await layerErrors(model, small);
  const sizes = small.linears().map((linear) => small.weights(linear)).filter(isPacked);
  const row = {
    method: methodOf(rest.method).name,
    groupSize: Math.max(0, ...sizes.map((it) => it.groupSize)),
    bitsPerWeight: small.bitsPerWeight,
    bytes: small.size.bytes,
    ...comparison,
    layerError: layers.reduce((sum, { outputError }) => sum + outputError, 0) / layers.length,
    layers,
    seconds,
  };
  return { small, row };
}
