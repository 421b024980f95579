/**
 * A whole model from dense to packed, one Linear at a time.
 *
 * @module
 */
import { interruptible, pause } from "../event_loop.ts";
import type { Format } from "../formats/format.ts";
import { methodOf, needsOf } from "../learn/methods/mod.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { calibrate, type Calibration } from "./calibrate.ts";
import { CALIBRATION_SAMPLE } from "./calibration_sample.ts";
import { chooseFormats } from "./choose_formats.ts";
import { effectsOf, windowsOf } from "./effects.ts";
import type { Model } from "../model/model.ts";
import { storedBytes } from "../matrix/packed_matrix.ts";
import { type FormatChoice, type Planned, planOf, type PlanOptions } from "./plan.ts";
import { type LearningOptions, quantizeLinear } from "./quantize_linear.ts";
import type { TargetOptions } from "./target_bits.ts";

/** How a model is quantized. */
export interface QuantizeModelOptions extends PlanOptions, TargetOptions, LearningOptions {
  /** Statistics made earlier, or the text to make them from; the library's own sample when absent. */
  calibration?: Calibration | string;
  /**
   * Calibrate each Linear on the model whose earlier Linears are quantized already, as the any4 reference does, instead
   * of all on the original.
   */
  sequential?: boolean;
  /** Is told of every Linear done; with `targetBits` each is done twice, first measured. */
  onProgress?: (done: number, total: number, linear: string) => void;
}

/**
 * Quantizes a model's Linears, each expert's too; embeddings, norms, lm_head and what sends tokens to experts stay as they
 * are.
 *
 * @returns a new model that shares what stays; the given one is not changed.
 * @throws {OptionError} when an option is unknown or out of range, or a Linear is quantized already.
 * @throws {TensorError} when a weight is NaN or infinite.
 *
 * @example
 * ```ts
 * import { loadModel, quantizeModel } from "any4";
 * using model = await loadModel("tinyworld");
 * const small = await quantizeModel(model, { format: "any3", groupSize: 128, override: { "*.down_proj": "any4" } });
 * console.log(small.bitsPerWeight < model.bitsPerWeight); // true
 * ```
 */
export function quantizeModel(model: Model, options: QuantizeModelOptions): Promise<Model> {
  return interruptible(() => quantizeLinears(model, options));
}

async function quantizeLinears(model: Model, options: QuantizeModelOptions): Promise<Model> {
  const { sequential, targetBits, onProgress } = options;
  const { backend } = model;
  const { method, weighting, codebook, scaleType } = options;
  const learning = { method, weighting, codebook, scaleType };
  let plan: ReadonlyMap<string, FormatChoice> = planOf(model.linears(), options);
  const linears = [...plan.keys()];
  const text = typeof options.calibration === "string" ? options.calibration : undefined;
  const needs = (choice: FormatChoice) => needsOf(choice.format, learning) !== "nothing";
  const gram = methodOf(method).needs === "gram";
  const learned = targetBits !== undefined || plan.values().some(needs);
  let stats: Calibration | undefined;
  if (learned && (!sequential || targetBits !== undefined)) {
    stats = typeof options.calibration === "object"
      ? options.calibration
      : await calibrate(model, { text, gram });
  }
  let done = 0;
  const total = linears.length * (targetBits === undefined ? 1 : 2);
  const tell = async (linear: string) => {
    onProgress?.(++done, total, linear);
    await pause();
  };
  if (targetBits !== undefined) {
    plan = await chooseFormats(plan as ReadonlyMap<string, Planned>, {
      ...options,
      ...learning,
      backend,
      stats: stats!,
      targetBits,
      linears: model.linears(),
      weights: (linear) => model.weights(linear),
      bits: (linear) => 8 * storedBytes(model.weights(linear)),
      effects: (probes) => {
        const ids = model.tokenizer.encode(text ?? CALIBRATION_SAMPLE);
        return effectsOf(model, windowsOf(ids, model.config.max_position_embeddings), probes);
      },
      done: tell,
    });
    if (sequential) stats = undefined;
  }
  const packed = new Map<string, PackedMatrix>();
  const result = () => model.with({ tensors: new Map([...model.tensors, ...packed]) });
  for (const [linear, choice] of plan) {
    // Linears that share an input are calibrated together: nothing that they see has changed in between.
    if (sequential && needs(choice) && !stats?.has(linear)) {
      stats = await calibrate(result(), { text, linears: [linear], gram });
    }
    const weights = model.weights(linear);
    packed.set(
      `${linear}.weight`,
      quantizeLinear(weights, { ...learning, backend, linear, choice, stats: stats?.get(linear) }),
    );
    await tell(linear);
  }
  return result();
}

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
