/**
 * How a model is quantized, in memory and on disk.
 *
 * @module
 */
import type { LoadOptions } from "../model/load_model.ts";
import type { Calibration } from "./calibrate.ts";
import type { MeasuredQuality } from "./model_card.ts";
import type { PlanOptions } from "./plan.ts";
import type { LearningOptions } from "./quantize_linear.ts";
import type { TargetOptions } from "./target_bits.ts";

/** What is done to a model's Linears, wherever they are. */
export interface PipelineOptions extends PlanOptions, TargetOptions, LearningOptions {
  /** Statistics made earlier, or the text to make them from; the library's own sample when absent. */
  calibration?: Calibration | string;
  /**
   * Into how many parts the sample's sequences are divided, each of which is added up alone before their sums are joined: as
   * many machines can do it, with the same bits. 1 when absent.
   */
  parts?: number;
  /**
   * Calibrate each Linear on the model whose earlier Linears are quantized already, as the any4 reference does, instead
   * of all on the original.
   */
  sequential?: boolean;
}

/** How a model in memory is quantized. */
export interface QuantizeModelOptions extends PipelineOptions {
  /** Is told of every Linear done; with `targetBits` each is done twice, first measured. */
  onProgress?: (done: number, total: number, linear: string) => void;
}

/** What is being done: statistics, formats' noise, what it does to predictions, Linears, the finished files. */
export type OnDiskPhase = "calibrating" | "measuring" | "following noise" | "quantizing" | "writing";

/** How far a quantization is. */
export interface OnDiskProgress {
  /** What is being done. */
  readonly phase: OnDiskPhase;
  /** How much of it is done since this process began it, and of how much: layers, weights, or bytes. */
  readonly done: number;
  /** How much there was to do when this process began it. */
  readonly total: number;
  /** The layer, Linear or tensor that is done. */
  readonly name: string;
}

/** How a quantized model is written. */
export interface OutputForm {
  /** Write a plain BF16 checkpoint, for programs that know no packed matrices. */
  dequantized?: boolean;
  /** Write packed matrices, which must have 4 bits, as the any4 reference's Any4Linear has them, for its code to load. */
  reference?: boolean;
  /** Bytes of a safetensors file at most, unless one tensor has more; 5 GB when absent. */
  maxShardBytes?: number;
}

/** How a model is quantized from disk to disk. */
export interface QuantizeOnDiskOptions extends PipelineOptions, OutputForm, LoadOptions {
  /** Drop what an unfinished job has left in the folder and start over. */
  restart?: boolean;
  /**
   * Measures the finished model for its card. When the process is killed meanwhile, the next one only measures.
   *
   * @param folder where the model is.
   */
  measure?: (folder: string) => Promise<MeasuredQuality>;
  /** Is told how far it is. */
  onProgress?: (progress: OnDiskProgress) => void;
}
