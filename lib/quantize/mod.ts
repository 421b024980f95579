/**
 * Quantizing whole models: calibration, formats by name or by a budget of bits, in memory or from disk to disk.
 *
 * ```ts
 * import { loadModel } from "any4";
 * import { calibrate, quantizeModel } from "any4";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using model = await loadModel("tinyworld");
 * const calibration = await calibrate(model);
 * using small = await quantizeModel(model, { format: "any3", override: { "*.down_proj": "any4" }, calibration });
 * assertAlmostEquals(small.bitsPerWeight, 3.96, 0.01);
 * ```
 *
 * @module
 */
export { awq, type AwqOptions } from "./awq.ts";
export {
  calibrate,
  type CalibrateOptions,
  type Calibration,
  type CalibrationOrigin,
  type SampleOptions,
} from "./calibrate.ts";
export { calibrateOnDisk } from "./calibrate_on_disk.ts";
export { loadCalibration, saveCalibration } from "./calibration_file.ts";
export { CALIBRATION_SAMPLE, CALIBRATION_SAMPLES } from "./calibration_sample.ts";
export { parseTuning, type Tuning, type TuningText } from "./tuning_options.ts";
export type { StepOptions, TuneOptions } from "../tune/examples.ts";
export { TOKEN_WEIGHTS, type TokenWeights } from "./input_sums.ts";
export {
  byFormat,
  type CardSummary,
  type FormatSummary,
  type LinearSummary,
  type MeasuredQuality,
  modelCard,
  type OnDiskSummary,
} from "./model_card.ts";
export type {
  OnDiskPhase,
  OnDiskProgress,
  OutputForm,
  PipelineOptions,
  QuantizeModelOptions,
  QuantizeOnDiskOptions,
} from "./options.ts";
export { type PlanOptions, selectLinears } from "./plan.ts";
export type { LearningOptions } from "./quantize_linear.ts";
export {
  af4,
  any2,
  any3,
  any4,
  fp4,
  int2,
  int3,
  int4,
  int8,
  mx4,
  nf4,
  quantizeModel,
  type ShortOptions,
} from "./quantize_model.ts";
export { quantizeOnDisk } from "./quantize_on_disk.ts";
export type { TargetOptions } from "./target_bits.ts";
export { type Stage, STAGES, type UnitOptions, Units, type UnitStage } from "./units.ts";
export { type WrittenOptions, writtenSamples } from "./written_samples.ts";
