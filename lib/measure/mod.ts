/**
 * Measuring: perplexity and KL divergence, errors of each Linear, statistics of weights, speed and memory.
 *
 * ```ts
 * import { any2, loadModel } from "any4";
 * import { compare, referenceLogits } from "any4/measure";
 * import { assertGreater } from "@std/assert";
 *
 * using model = await loadModel("tinyworld");
 * const reference = await referenceLogits(model, { maxTokens: 200 });
 * using small = await any2(model);
 * const { kl, perplexity } = await compare(small, reference);
 * assertGreater(kl, 0);
 * assertGreater(perplexity, reference.perplexity.perplexity);
 * ```
 *
 * @module
 */
export { peakMemory } from "../peak_memory.ts";
export {
  type Candidate,
  type CandidateCost,
  candidatesOf,
  compareMethods,
  type CompareMethodsOptions,
} from "./compare_methods.ts";
export { type Document, evaluationDocuments, type TokenizedDocument } from "./documents.ts";
export { bitsPerWeightOf, formatsAtEqualBits } from "./equal_bits.ts";
export { type LayerError, layerErrors, relativeError } from "./layer_error.ts";
export { type LinearSpeed, linearSpeed, type LinearSpeedOptions, SPEED_FORMATS } from "./linear_speed.ts";
export {
  type FormatCost,
  type FormatCosts,
  MEASURED_FORMATS,
  measureFormats,
  type MeasureFormatsOptions,
} from "./measure_formats.ts";
export { type ModelSpeed, modelSpeed, type ModelSpeedOptions } from "./model_speed.ts";
export {
  compare,
  compareModels,
  type Comparison,
  type Perplexity,
  perplexity,
  type PerplexityOptions,
  type Reference,
  referenceLogits,
  type Watching,
} from "./perplexity.ts";
export { DENSE_FORMATS } from "./random_weight.ts";
export { type WeightStats, weightStats } from "./weight_stats.ts";
