/**
 * Quantization of one matrix: learning its codebooks, and the packed result.
 *
 * ```ts
 * import { dequantize, quantize } from "any4";
 * import { packedBitsPerWeight, Random } from "any4/learn";
 * import { relativeError } from "any4/measure";
 * import { assertEquals, assertLess } from "@std/assert";
 *
 * const random = new Random(1);
 * const data = Float32Array.from({ length: 4 * 512 }, () => random.normal());
 * const packed = quantize({ rows: 4, cols: 512, data }, { format: "any4", groupSize: 128 });
 * assertEquals(packedBitsPerWeight(packed), 4.75); // codes 4, scales and zeros 0.25, tables 0.5
 * assertLess(relativeError(dequantize(packed), data), 0.1);
 * ```
 *
 * @module
 */
export { Random } from "../random.ts";
export { bytesOf, type DType } from "../matrix/dtype.ts";
export type { Matrix } from "../matrix/matrix.ts";
export type { CodebookType } from "../matrix/codebook_type.ts";
export {
  dequantize,
  firstGroupValues,
  isPacked,
  packedBitsPerWeight,
  packedBytes,
  type PackedMatrix,
  type ScaleType,
} from "../matrix/packed_matrix.ts";
export type { Outliers } from "../matrix/outliers.ts";
export { ExactKMeans } from "./exact_kmeans.ts";
export type { InputStats } from "./input_stats.ts";
export type { Learner } from "./learner.ts";
export { Lloyd, type LloydOptions } from "./lloyd.ts";
export type { Method, Needs, Problem, Solution } from "./methods/method.ts";
export type { FactoredHessian, FactorOptions } from "./hessian.ts";
export type { LeanQuantOptions } from "./methods/leanquant.ts";
export type { LnqOptions } from "./methods/lnq.ts";
export { type MethodMaker, methodOf, type MethodOptions, methods, parseMethod } from "./methods/mod.ts";
export type { CodebookSharing } from "./codebook_sharing.ts";
export type { StorageOptions } from "./packed_size.ts";
export { quantize, type QuantizeOptions } from "./quantize.ts";
export type { DescentOptions } from "./row_descent.ts";
export type { LearnOptions, QuantizeSteps, ScaledMatrix, Tables } from "./quantize_steps.ts";
export type { SquaredErrors } from "./squared_errors.ts";
export { type Weighting, weightings } from "./weighting.ts";
