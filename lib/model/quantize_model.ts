/**
 * A whole model from dense to packed, one Linear at a time.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { pause } from "../event_loop.ts";
import type { Format } from "../formats/format.ts";
import { formatOf } from "../formats/mod.ts";
import { quantize, type QuantizeOptions } from "../learn/quantize.ts";
import { columnWeights, type Weighting } from "../learn/weighting.ts";
import { isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";
import { calibrate, type Calibration } from "./calibrate.ts";
import type { Model } from "./model.ts";

/** How a model is quantized. */
export interface QuantizeModelOptions extends Omit<QuantizeOptions, "columnWeights" | "scalePower" | "name"> {
  /** What learned tables minimise; "mean-square" when absent. */
  weighting?: Weighting;
  /** Statistics made earlier, or the text to make them from; the library's own sample when absent. */
  calibration?: Calibration | string;
  /**
   * Calibrate each Linear on the model whose earlier Linears are quantized already, as the any4 reference does, instead
   * of all on the original.
   */
  sequential?: boolean;
  /**
   * Linears to leave as they are, by module name; "*" stands for any characters. lm_head, embeddings and what sends tokens to
   * experts always stay.
   */
  skip?: string | string[];
  /** Is told of every Linear done. */
  onProgress?: (done: number, total: number, linear: string) => void;
}

/** Whether a module's name fits one of some patterns, in which "*" stands for any characters. */
function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const source = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*");
    return new RegExp(`^${source}$`).test(name);
  });
}

/**
 * Quantizes a model's Linears, each expert's too; embeddings, norms, lm_head and what sends tokens to experts stay as they
 * are.
 *
 * @returns a new model that shares what stays; the given one is not changed.
 * @throws {OptionError} when an option is unknown or out of range.
 * @throws {TensorError} when a weight is NaN or infinite, or a Linear is quantized already.
 *
 * @example
 * ```ts
 * import { loadModel, quantizeModel } from "any4";
 * using model = await loadModel("tinyworld");
 * const small = await quantizeModel(model, { format: "any3", groupSize: 128 });
 * console.log(small.bitsPerWeight < model.bitsPerWeight); // true
 * ```
 */
export async function quantizeModel(model: Model, options: QuantizeModelOptions): Promise<Model> {
  const format = formatOf(options.format);
  const skip = [options.skip ?? []].flat();
  const linears = model.linears().filter((name) => !matches(name, skip));
  const weighting = options.weighting ?? "mean-square";
  const learned = format.values === null && weighting !== "none";
  const text = typeof options.calibration === "string" ? options.calibration : undefined;
  let stats: Calibration | undefined;
  if (learned && !options.sequential) {
    stats = typeof options.calibration === "object" ? options.calibration : await calibrate(model, { text });
  }

  const { backend } = model;
  const quantizeMatrix = backend.quantize?.bind(backend) ?? quantize;
  const packed = new Map<string, PackedMatrix>();
  const result = () => model.with({ tensors: new Map([...model.tensors, ...packed]) });
  for (const [done, name] of linears.entries()) {
    const weights = model.weights(name);
    if (isPacked(weights)) throw new OptionError(`Cannot quantize ${name}: it is ${weights.format} already`);
    // Linears that share an input are calibrated together: nothing that they see has changed in between.
    if (learned && options.sequential && !stats?.has(name)) {
      stats = await calibrate(result(), { text, linears: [name] });
    }
    const entry = stats?.get(name);
    if (learned && !entry) {
      throw new OptionError(`Cannot quantize ${name}: the calibration has no statistics of it`);
    }
    const weighing = learned ? columnWeights(weighting, entry!) : columnWeights("none", noStats);
    packed.set(
      `${name}.weight`,
      quantizeMatrix(weights, { ...options, ...weighing, format, name: `${name}.weight` }),
    );
    options.onProgress?.(done + 1, linears.length, name);
    await pause();
  }
  return result();
}

const empty = new Float64Array(0);
const noStats = { mean: empty, meanAbs: empty, meanSquare: empty };

/** Options of the short forms: all of `quantizeModel` but the format. */
export type ShortOptions = Omit<QuantizeModelOptions, "format">;

const short = (format: string | Format) => (model: Model, options: ShortOptions = {}): Promise<Model> =>
  quantizeModel(model, { ...options, format });

/** Quantizes a model to any4: a table of 16 values learned for each row. */
export const any4: (model: Model, options?: ShortOptions) => Promise<Model> = short("any4");
/** Quantizes a model to any3: a table of 8 values learned for each row. */
export const any3: (model: Model, options?: ShortOptions) => Promise<Model> = short("any3");
/** Quantizes a model to any2: a table of 4 values learned for each row. */
export const any2: (model: Model, options?: ShortOptions) => Promise<Model> = short("any2");
/** Quantizes a model to asymmetric 8-bit integers. */
export const int8: (model: Model, options?: ShortOptions) => Promise<Model> = short("int8");
/** Quantizes a model to asymmetric 4-bit integers. */
export const int4: (model: Model, options?: ShortOptions) => Promise<Model> = short("int4");
/** Quantizes a model to asymmetric 3-bit integers. */
export const int3: (model: Model, options?: ShortOptions) => Promise<Model> = short("int3");
/** Quantizes a model to asymmetric 2-bit integers. */
export const int2: (model: Model, options?: ShortOptions) => Promise<Model> = short("int2");
/** Quantizes a model to bitsandbytes' 4-bit floating point. */
export const fp4: (model: Model, options?: ShortOptions) => Promise<Model> = short("fp4");
/** Quantizes a model to NormalFloat (QLoRA). */
export const nf4: (model: Model, options?: ShortOptions) => Promise<Model> = short("nf4");
/** Quantizes a model to AbnormalFloat (Yoshida). */
export const af4: (model: Model, options?: ShortOptions) => Promise<Model> = short("af4");
/** Quantizes a model to OCP MXFP4. */
export const mx4: (model: Model, options?: ShortOptions) => Promise<Model> = short("mx4");
