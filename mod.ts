/**
 * any4-deno: learned 4-, 3- and 2-bit number formats for language-model weights.
 *
 * ```ts
 * import { any4, generate, loadModel, perplexity } from "any4";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * using model = await loadModel("tinyworld");
 * using small = await any4(model);
 * assertAlmostEquals((await perplexity(small, { maxTokens: 200 })).perplexity, 1.90, 0.02);
 * assertEquals((await generate(small, "Once upon a time", { maxTokens: 16 })).tokens.length, 16);
 * ```
 *
 * This is what most programs need. The rest is in the rooms: `any4/formats`, `any4/learn` (one matrix), `any4/model`,
 * `any4/quantize` (whole models), `any4/compute`, `any4/measure`, `any4/show`, `any4/hub`.
 *
 * @module
 */
export * from "./lib/errors.ts";
export {
  dequantize,
  isPacked,
  type Matrix,
  type PackedMatrix,
  quantize,
  type QuantizeOptions,
} from "./lib/learn/mod.ts";
export { type Perplexity, perplexity, type PerplexityOptions } from "./lib/measure/mod.ts";
export {
  Conversation,
  generate,
  type Generated,
  type GeneratedPiece,
  type GenerateOptions,
  generateStream,
  loadModel,
  type LoadOptions,
  Model,
  saveModel,
  type SaveOptions,
} from "./lib/model/mod.ts";
export {
  af4,
  any2,
  any3,
  any4,
  calibrate,
  fp4,
  int2,
  int3,
  int4,
  int8,
  mx4,
  nf4,
  quantizeModel,
  type QuantizeModelOptions,
  quantizeOnDisk,
  type QuantizeOnDiskOptions,
  type ShortOptions,
} from "./lib/quantize/mod.ts";
export { show } from "./lib/show/mod.ts";
