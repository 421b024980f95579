/**
 * The options of quantizing a model, in memory and on disk.
 *
 * @module
 */
import type { Abortable } from "../event_loop.ts";
import type { LoadOptions } from "../model/load_model.ts";
import type { Calibration } from "./calibrate.ts";
import type { TokenWeights } from "./input_sums.ts";
import type { MeasuredQuality } from "./model_card.ts";
import type { PlanOptions } from "./plan.ts";
import type { LearningOptions } from "./quantize_linear.ts";
import type { Tuning } from "./tuning_options.ts";
import type { TargetOptions } from "./target_bits.ts";

/** Options of the pipeline, for models in memory and on disk. */
export interface PipelineOptions extends PlanOptions, TargetOptions, LearningOptions, Abortable {
  /** Statistics made earlier, or the text or texts to make them from; the library's own when absent. */
  calibration?: Calibration | string | readonly string[];
  /** How much each token of the text counts in statistics: "none" (the default), or "norm". */
  tokenWeights?: TokenWeights;
  /**
   * The number of parts of the sample's sequences; 1 when absent. Each part is summed alone before the sums are joined, so that
   * several machines can compute them, with the same bits.
   */
  parts?: number;
  /**
   * Calibrate each Linear on the model whose earlier Linears are quantized already, as the any4 reference does, instead
   * of all on the original.
   */
  sequential?: boolean;
  /**
   * Make the model ready by AWQ before it is quantized, each Linear for its own format: see `awq`. It takes a text, and each
   * layer's inputs are seen a second time.
   */
  awq?: boolean;
  /**
   * Tune each layer's codebooks, scales, zeros, norms and biases, with codes fixed, so that on the model quantized so far it
   * gives what the original's layer gives on the original: a pass backwards through each layer, with the options' defaults where
   * true. Not known for layers with experts, nor on webgpu.
   */
  tuneBlocks?: boolean | Tuning;
  /**
   * Tune the same of all layers together, once they are quantized (and tuned one by one), so that the model predicts what the
   * original does. It moves more than `tuneBlocks` and takes several times as long for as many tokens.
   */
  tuneModel?: boolean | Tuning;
}

/** Options of {@linkcode quantizeModel}. */
export interface QuantizeModelOptions extends PipelineOptions {
  /**
   * Called after every Linear, and after every step of tuning, which does not count; with `targetBits`, each Linear counts twice,
   * as it is measured first.
   */
  onProgress?: (done: number, total: number, linear: string) => void;
}

/** The phases: statistics, the formats' noise, its effect on the predictions, AWQ, Linears, their tuning, the finished files. */
export type OnDiskPhase =
  | "calibrating"
  | "measuring"
  | "following noise"
  | "scaling"
  | "quantizing"
  | "tuning"
  | "writing";

/** The progress of a quantization. */
export interface OnDiskProgress {
  /** The current phase. */
  readonly phase: OnDiskPhase;
  /** The amount done by this process and its total, in layers, weights or bytes. */
  readonly done: number;
  /** The amount of work at the start of this process. */
  readonly total: number;
  /** The layer, Linear or tensor that is done. */
  readonly name: string;
}

/** The form of the written model. */
export interface OutputForm {
  /** Write a plain BF16 checkpoint, for programs that know no packed matrices. */
  dequantized?: boolean;
  /** Write packed matrices, which must have 4 bits, as the any4 reference's Any4Linear has them, for its code to load. */
  reference?: boolean;
  /** Bytes of a safetensors file at most, unless one tensor has more; 5 GB when absent. */
  maxShardBytes?: number;
}

/** Options of {@linkcode quantizeOnDisk}. */
export interface QuantizeOnDiskOptions extends PipelineOptions, OutputForm, LoadOptions {
  /** Drop what an unfinished job has left in the folder and start over. */
  restart?: boolean;
  /** Replace files in the folder that this library has not written. */
  force?: boolean;
  /**
   * Measures the finished model for its card. When the process is killed meanwhile, the next one only measures.
   *
   * @param folder where the model is.
   */
  measure?: (folder: string) => Promise<MeasuredQuality>;
  /** Is told how far it is. */
  onProgress?: (progress: OnDiskProgress) => void;
}
