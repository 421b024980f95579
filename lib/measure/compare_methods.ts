/**
 * Formats × methods on one model, each measured on the same tokens, resumable.
 *
 * @module
 */
import { interruptible } from "../event_loop.ts";
import { OptionError } from "../errors.ts";
import type { CodebookSharing } from "../learn/codebook_sharing.ts";
import { methodOf, type MethodOptions, parseMethod } from "../learn/methods/mod.ts";
import { linearsOf } from "../model/decoder/layout.ts";
import type { Model } from "../model/model.ts";
import { awq } from "../quantize/awq.ts";
import { calibrate, type Calibration } from "../quantize/calibrate.ts";
import type { QuantizeModelOptions } from "../quantize/options.ts";
import { parseTuning, type Tuning } from "../quantize/tuning_options.ts";
import { textOf } from "../quantize/pipeline.ts";
import { parseChoice } from "../quantize/plan.ts";
import { type FormatCost, measureModel } from "./measure_formats.ts";
import { type Perplexity, type PerplexityOptions, type Reference, referenceLogits } from "./perplexity.ts";

/** One way to quantize a model. */
export interface Candidate extends Pick<QuantizeModelOptions, "codebookType" | "scaleType" | "outliers"> {
  /** Format, columns that share a scale, tables and method in one line: "any3:row lnq". */
  readonly name: string;
  /** The format's name. */
  readonly format: string;
  /** Columns that share a scale; the format's own when absent. */
  readonly groupSize?: number | "row";
  /** Which rows share a table. */
  readonly codebook: CodebookSharing;
  /** The method and its options. */
  readonly method: MethodOptions;
  /** Whether AWQ makes the model ready before. */
  readonly awq?: boolean;
  /** Whether layers are tuned afterwards. */
  readonly tuneBlocks?: Tuning;
  /** Whether all layers are tuned together afterwards. */
  readonly tuneModel?: Tuning;
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
    | keyof Candidate
    | "onProgress"
    | "targetBits"
    | "candidates"
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
 * Formats and methods, each with each. A format may have a group size and say how it is stored, as in `override`:
 * "any4:128/matrix", "any4sym:64/int8/16-tables", "any2:128/outliers=0.005". A method may follow AWQ: "awq+gptq"; "awq" alone is
 * followed by k-means. Layers may be tuned after it, with options: "lnq+tune", "lnq+tune:epochs=4", then all together:
 * "lnq+tune-model", "lnq+tune+tune-model". To a fixed format "lloyd" rounds as k-means does, so it is left out there.
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
    const { format, ...stored } = parseChoice(text);
    return methods.flatMap((whole): Candidate[] => {
      const [method = "", ...tunings] = whole.split(/\+(?=tune)/);
      const unknown = tunings.find((one) => !["tune", "tune-model"].includes(one.split(":")[0]!));
      if (unknown) throw new OptionError(`Cannot tune by "${unknown}": expected tune or tune-model`);
      const tuning = (name: string) =>
        tunings.find((one) => one.split(":")[0] === name)?.slice(name.length + 1);
      const [blocks, all] = [tuning("tune"), tuning("tune-model")];
      if (format.values && method.startsWith("lloyd")) return [];
      return [{
        name: whole === "kmeans" ? text : `${text} ${whole}`,
        format: format.name,
        codebook: "row",
        ...stored,
        ...(/^awq(\+.*)?$/.test(method)
          ? { awq: true, method: parseMethod(method.slice(4) || "kmeans") }
          : { method: parseMethod(method) }),
        ...(blocks !== undefined && { tuneBlocks: parseTuning(blocks) }),
        ...(all !== undefined && { tuneModel: parseTuning(all) }),
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
  const calibrations = new Calibrations(model, rest);
  const rows: CandidateCost[] = [];
  for (const [index, { name, awq: first, ...how }] of candidates.entries()) {
    const found = known.find((row) => row.name === name);
    if (found) {
      rows.push(found);
      continue;
    }
    const report = (part: number) => onProgress?.((index + 1 + part) / steps, name);
    const started = performance.now();
    // After AWQ, inputs are others.
    using ready = first ? await awq(model, { ...rest, ...how, text: textOf(rest.calibration) }) : undefined;
    const before = (performance.now() - started) / 1000;
    const calibration = first ? textOf(rest.calibration) : await calibrations.of(how.method);
    const text = textOf(rest.calibration);
    const tuneBlocks = how.tuneBlocks && { text, ...how.tuneBlocks };
    const tuneModel = how.tuneModel && { text, ...how.tuneModel };
    const settings = { ...rest, ...how, tuneBlocks, tuneModel, calibration, onPart: report };
    const { small, row: { layers: _, ...costs } } = await measureModel(ready ?? model, reference, settings);
    using _small = small;
    const { format: { bits, values } } = parseChoice(how.format);
    const method = `${first ? "awq+" : ""}${costs.method}${how.tuneBlocks ? "+tune" : ""}${
      how.tuneModel ? "+tune-model" : ""
    }`;
    const seconds = costs.seconds + before;
    const row = { name, format: how.format, bits, learned: values === null, ...costs, method, seconds };
    rows.push(row);
    onRow?.(row);
  }
  return { original: reference.perplexity, rows };
}

/** Bytes of E[x xᵀ] of all inputs up to which it is kept from candidate to candidate. */
const KEPT_BYTES = 512 << 20;

/** Statistics that candidates share: of columns always, E[x xᵀ] if it is small enough to be kept. */
class Calibrations {
  readonly #model: Model;
  readonly #options: Pick<CompareMethodsOptions, "calibration" | "sequential" | "tokenWeights">;
  readonly #known = new Map<boolean, Calibration>();

  constructor(
    model: Model,
    options: Pick<CompareMethodsOptions, "calibration" | "sequential" | "tokenWeights">,
  ) {
    this.#model = model;
    this.#options = options;
  }

  /** What a method is calibrated with: statistics, or the text where it is to collect them itself. */
  async of(method: MethodOptions): Promise<CompareMethodsOptions["calibration"]> {
    const { calibration, sequential, tokenWeights } = this.#options;
    const text = textOf(calibration);
    if (sequential || (calibration && text === undefined)) return calibration;
    const gram = methodOf(method).needs === "gram";
    if (gram && this.#gramBytes() > KEPT_BYTES) return calibration;
    const known = this.#known.get(gram) ?? await calibrate(this.#model, { text, tokenWeights, gram });
    this.#known.set(gram, known);
    return known;
  }

  #gramBytes(): number {
    return [...linearsOf(this.#model.layout)].reduce((sum, { weight }) => sum + 4 * weight.cols ** 2, 0);
  }
}
