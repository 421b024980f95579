/**
 * A whole model from dense to packed, one Linear at a time.
 *
 * @module
 */
import { interruptible } from "../event_loop.ts";
import type { Format } from "../formats/format.ts";
import { linearNames } from "../model/decoder/layout.ts";
import type { Model } from "../model/model.ts";
import { doneOfLayer } from "./done_layer.ts";
import type { OnDiskProgress, QuantizeModelOptions } from "./options.ts";
import { run } from "./pipeline.ts";
import { planOf, planOfEnds } from "./plan.ts";
import { ScaledSource } from "./scaled_source.ts";
import { MemoryStore } from "./store.ts";

/**
 * Quantizes a model's Linears, each expert's too; norms and what sends tokens to experts stay as they are, and so do the head
 * and the embedding, unless `head` and `embedding` name their formats.
 *
 * @returns a new model that shares what stays; the given one is not changed.
 * @throws {OptionError} when an option is unknown or out of range, a Linear is quantized already, or the calibration is another
 * model's.
 * @throws {TensorError} when a weight is NaN or infinite.
 * @throws the signal's reason, if `signal` cancels it.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { loadModel, quantizeModel } from "any4";
 * using model = await loadModel("tinyworld");
 * using small = await quantizeModel(model, { format: "any3", groupSize: 128, override: { "*.down_proj": "any4" } });
 * assert(small.bitsPerWeight < model.bitsPerWeight);
 * ```
 */
export function quantizeModel(model: Model, options: QuantizeModelOptions): Promise<Model> {
  return interruptible(() => quantizeLinears(model, options));
}

async function quantizeLinears(model: Model, options: QuantizeModelOptions): Promise<Model> {
  const linears = linearNames(model.layout);
  const ends = planOfEnds(model.layout, options);
  const total = planOf(linears, options).size * (options.targetBits === undefined ? 1 : 2) + ends.size;
  let done = 0;
  const onProgress = ({ phase, name }: OnDiskProgress) => {
    if (phase === "measuring" || phase === "quantizing") options.onProgress?.(++done, total, name);
    if (phase === "tuning") options.onProgress?.(done, total, name);
  };
  const store = new MemoryStore();
  await run(model, store, { ...options, onProgress });
  const tensors = new Map([...model.tensors, ...new ScaledSource(model, store).changed()]);
  for (const layer of model.layout.layers.keys()) {
    for (const [name, tensor] of doneOfLayer(model, store, { layer })) tensors.set(name, tensor);
  }
  for (const linear of ends.keys()) tensors.set(`${linear}.weight`, store.get("linear", linear)!.packed);
  return model.with({ tensors });
}

/** Options of the short forms: all of `quantizeModel` but the format. */
export type ShortOptions = Omit<QuantizeModelOptions, "format">;

const short = (format: string | Format) => (model: Model, options: ShortOptions = {}): Promise<Model> =>
  quantizeModel(model, { ...options, format });

/** Quantizes a model to any4: a codebook of 16 values learned for each row. */
export const any4: (model: Model, options?: ShortOptions) => Promise<Model> = short("any4");
/** Quantizes a model to any3: a codebook of 8 values learned for each row. */
export const any3: (model: Model, options?: ShortOptions) => Promise<Model> = short("any3");
/** Quantizes a model to any2: a codebook of 4 values learned for each row. */
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
