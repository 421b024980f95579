/**
 * Formats × methods on one model, each measured on the same tokens, resumable.
 *
 * @module
 */
import { interruptible } from "../event_loop.ts";
import { OptionError } from "../errors.ts";
import { methodOf, type MethodOptions, parseMethod } from "../learn/methods/mod.ts";
import type { Model } from "../model/model.ts";
import { calibrate } from "../quantize/calibrate.ts";
import type { QuantizeModelOptions } from "../quantize/options.ts";
import { textOf } from "../quantize/pipeline.ts";
import { parseChoice } from "../quantize/plan.ts";
import { type FormatCost, measureModel } from "./measure_formats.ts";
import { type Perplexity, type PerplexityOptions, type Reference, referenceLogits } from "./perplexity.ts";

/** One way to quantize a model. */
export interface Candidate {
  /** Format, columns that share a scale, tables and method in one line: "any3:row lnq". */
  readonly name: string;
  /** The format's name. */
  readonly format: string;
  /** Columns that share a scale; the format's own when absent. */
  readonly groupSize?: number | "row";
  /** A table for each row, or one for the matrix. */
  readonly codebook: "row" | "matrix";
  /** The method and its options. */
  readonly method: MethodOptions;
}

/** What a candidate costs. */
export type CandidateCost = Omit<FormatCost, "layers"> & {
  /** The candidate's name. */
  name: string;
};

/** Options of {@linkcode compareMethods}. */
export interface CompareMethodsOptions extends
  Omit<
    QuantizeModelOptions,
    "format" | "groupSize" | "codebook" | "method" | "onProgress" | "targetBits" | "candidates"
  >,
  Omit<PerplexityOptions, "onProgress"> {
  /** The candidates. */
  candidates: readonly Candidate[];
  /** Rows that are known already: those candidates are not measured again. */
  known?: readonly CandidateCost[];
  /** Is told of each row that was measured. */
  onRow?: (row: CandidateCost) => void;
  /** Called with the part that is done, from 0 to 1, and the current candidate. */
  onProgress?: (done: number, what: string) => void;
}

/**
 * Formats and methods, each with each. A format may have a group size and end with "/matrix", where all rows share a table:
 * "any4:128/matrix". A fixed format that k-means rounds to its table is the same under "lloyd", which is left out there.
 *
 * @throws {OptionError} when a format or a method is unknown.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { candidatesOf } from "any4/measure";
 * const names = candidatesOf(["int4", "any3:row/matrix"], ["kmeans", "lnq:rounds=3"]).map(({ name }) => name);
 * assertEquals(names, ["int4", "int4 lnq:rounds=3", "any3:row/matrix", "any3:row/matrix lnq:rounds=3"]);
 * ```
 */
export function candidatesOf(formats: readonly string[], methods: readonly string[]): Candidate[] {
  return formats.flatMap((text) => {
    const [, choice = "", shared] = /^(.*?)(\/matrix)?$/.exec(text)!;
    const { format, groupSize } = parseChoice(choice);
    if (shared && format.values) {
      throw new OptionError(`Cannot share tables of "${text}": ${format.name} has none that are learned`);
    }
    return methods.flatMap((method): Candidate[] => {
      if (format.values && method.startsWith("lloyd")) return [];
      return [{
        name: method === "kmeans" ? text : `${text} ${method}`,
        format: format.name,
        groupSize,
        codebook: shared ? "matrix" : "row",
        method: parseMethod(method),
      }];
    });
  });
}

/**
 * Measures what each candidate costs on the same tokens.
 *
 * @returns the original's own perplexity, and a row for each candidate, in their order.
 * @throws {OptionError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadModel } from "any4";
 * import { candidatesOf, compareMethods } from "any4/measure";
 * using model = await loadModel("tinyworld");
 * const candidates = candidatesOf(["int4"], ["kmeans", "gptq"]);
 * const { rows } = await compareMethods(model, { candidates, maxTokens: 100, calibration: "Once upon a time." });
 * assertEquals(rows.map(({ method }) => method), ["kmeans", "gptq"]);
 * ```
 */
export function compareMethods(
  model: Model,
  options: CompareMethodsOptions,
): Promise<{ original: Perplexity; rows: CandidateCost[] }> {
  return interruptible(() => measureAll(model, options));
}

async function measureAll(model: Model, options: CompareMethodsOptions) {
  const { candidates, known = [], onRow, onProgress, ...rest } = options;
  const steps = candidates.length + 1;
  const reference: Reference = await referenceLogits(model, {
    ...rest,
    onProgress: (part, total) => onProgress?.(part / total / steps, model.name),
  });
  // What needs columns only is calibrated once. E[x xᵀ] is not kept: of a large model it would be larger than the model.
  const text = textOf(rest.calibration);
  let columns = rest.calibration && text === undefined ? rest.calibration : undefined;
  const rows: CandidateCost[] = [];
  for (const [index, { name, ...how }] of candidates.entries()) {
    const before = known.find((row) => row.name === name);
    if (before) {
      rows.push(before);
      continue;
    }
    const gram = methodOf(how.method).needs === "gram";
    if (!gram && !rest.sequential) {
      columns ??= await calibrate(model, { text, tokenWeights: rest.tokenWeights });
    }
    const calibration = gram || rest.sequential ? rest.calibration : columns;
    const report = (part: number) => onProgress?.((index + 1 + part) / steps, name);
    const settings = { ...rest, ...how, calibration, onProgress: report };
    const { small, row: { layers: _, ...costs } } = await measureModel(model, reference, settings);
    using _small = small;
    const { format: { bits, values } } = parseChoice(how.format);
    const row = { name, format: how.format, bits, learned: values === null, ...costs };
    rows.push(row);
    onRow?.(row);
  }
  return { original: reference.perplexity, rows };
}
