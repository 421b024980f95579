/**
 * A model from disk to disk, quantized a tensor at a time.
 *
 * @module
 */
import { CheckpointError, OptionError } from "../../errors.ts";
import { resolveGroupSize } from "../../learn/quantize.ts";
import { peakMemory } from "../../peak_memory.ts";
import type { OnDiskSummary } from "../model_card.ts";
import { fingerprint } from "./fingerprint.ts";
import { finishOnDisk } from "./finish_on_disk.ts";
import { Journal } from "./journal.ts";
import { linkedName } from "../../model/checkpoint/locate.ts";
import type { LoadOptions } from "../../model/load_model.ts";
import { ModelOnDisk } from "./model_on_disk.ts";
import { Job } from "./on_disk_job.ts";
import { type FormatChoice, type Planned, planOf } from "../plan.ts";
import type { QuantizeModelOptions } from "../quantize_model.ts";

/** What is being done: statistics, formats' noise, what it does to predictions, Linears, the finished files. */
export type OnDiskPhase = "calibrating" | "measuring" | "following noise" | "quantizing" | "writing";

/** How far a quantization from disk to disk is. */
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

/** How a model is quantized from disk to disk. */
export interface QuantizeOnDiskOptions extends Omit<QuantizeModelOptions, "onProgress">, LoadOptions {
  /** Write a plain BF16 checkpoint, for programs that know no packed matrices. */
  dequantized?: boolean;
  /** Write packed matrices, which must have 4 bits, as the any4 reference's Any4Linear has them, for its code to load. */
  reference?: boolean;
  /** Bytes of a safetensors file at most, unless one tensor has more; 5 GB when absent. */
  maxShardBytes?: number;
  /** Drop what an unfinished job has left in the folder and start over. */
  restart?: boolean;
  /** Is told how far it is. */
  onProgress?: (progress: OnDiskProgress) => void;
}

/**
 * Quantizes a model's Linears as `quantizeModel` does, from a folder to a folder: no more than a layer and a few matrices
 * are in memory, so the model may be larger than that. The result is the folder that `saveModel` would write, and a model
 * card.
 *
 * Killed at any moment and started again with the same arguments, it goes on where it was and ends with the same bytes.
 * Until it is finished the folder holds no model (or the one that was there before), and `loadModel` says so. Meanwhile the
 * packed Linears are on disk twice for a moment.
 *
 * @param name the model, as `loadModel` takes it.
 * @param folder where the quantized model goes.
 * @throws {OptionError} when an option is unknown or out of range, or a Linear is quantized already.
 * @throws {TensorError} when a weight is NaN or infinite.
 * @throws {CheckpointError} when files are missing or malformed, or writing fails: what is done is kept.
 * @throws {ResumeError} when the folder holds an unfinished job that something else was asked of.
 *
 * @example
 * ```ts
 * import { quantizeOnDisk } from "any4";
 * const folder = await Deno.makeTempDir();
 * const { bitsPerWeight } = await quantizeOnDisk("tinyworld", folder, { override: { "*.down_proj": "int8" } });
 * console.log(bitsPerWeight > 4 && bitsPerWeight < 8); // true
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function quantizeOnDisk(
  name: string,
  folder: string,
  options: QuantizeOnDiskOptions = {},
): Promise<OnDiskSummary> {
  const started = performance.now();
  using model = await ModelOnDisk.open(name, options);
  const plan = planOf(model.linears(), options);
  checkOptions(model, { folder, options, plan });
  const asked = await fingerprint(model, options);
  try {
    using journal = Journal.open(folder, { asked, restart: options.restart });
    if (journal.finished) {
      journal.remove();
      return journal.finished as OnDiskSummary;
    }
    using job = new Job(model, { journal, options });
    let choices: ReadonlyMap<string, FormatChoice>;
    try {
      choices = await job.choose(plan);
    } catch (error) {
      // What cannot be done as it was asked for need not be gone on with.
      if (error instanceof OptionError) journal.remove();
      throw error;
    }
    await job.quantize(choices);
    const named = linkedName(name, model.checkpoint.folder);
    const written = finishOnDisk(folder, { name: named, model, journal, options, asked });
    const seconds = (performance.now() - started) / 1000;
    const summary: OnDiskSummary = { ...written, folder, seconds, peakBytes: peakMemory() };
    journal.finish(asked, { ...summary, found: summary.linears.length });
    journal.remove();
    return summary;
  } catch (error) {
    if (!(error instanceof CheckpointError && /os error 28\b/.test(error.message))) throw error;
    throw new CheckpointError(
      `${error.message}; what is done is kept, make room and start again to go on`,
      { cause: error },
    );
  }
}

/** Checks what can be checked before anything is written. */
function checkOptions(
  model: ModelOnDisk,
  means: { folder: string; options: QuantizeOnDiskOptions; plan: ReadonlyMap<string, Planned> },
): void {
  const { folder, options, plan } = means;
  const { checkpoint } = model;
  const real = (path: string) => {
    try {
      return Deno.realPathSync(path);
    } catch {
      return undefined;
    }
  };
  if (real(folder) !== undefined && real(folder) === real(checkpoint.folder)) {
    throw new OptionError(`Cannot quantize ${folder} into itself: the result needs a folder of its own`);
  }
  if (options.dequantized && options.reference) {
    throw new OptionError("Cannot write a model both dequantized and in the reference's layout");
  }
  const wide = options.reference && plan.values().find(({ format }) => format.bits !== 4);
  if (wide || (options.reference && options.targetBits !== undefined)) {
    throw new OptionError(
      `Cannot write ${
        wide ? wide.format.name : "formats chosen by targetBits"
      } in the reference's layout: it holds 4-bit ` +
        "formats only",
    );
  }
  const uneven = options.reference && [...plan].find(([linear, { format, groupSize }]) => {
    const { cols } = model.shape(linear);
    return cols % resolveGroupSize(format, { groupSize, cols }) !== 0;
  });
  if (uneven) {
    throw new OptionError(
      `Cannot write ${uneven[0]} in the reference's layout: its groups do not divide its ${
        model.shape(uneven[0]).cols
      } columns; "row" as the group size, or one that divides them, does`,
    );
  }
  if (plan.size === 0) throw new OptionError("Cannot quantize nothing: every Linear is skipped");
  for (const linear of plan.keys()) {
    if (!checkpoint.has(`${linear}.weight`) && checkpoint.has(`${linear}.weight.codes`)) {
      throw new OptionError(`Cannot quantize ${linear}: it is quantized already`);
    }
  }
  if (options.sequential && typeof options.calibration === "object") {
    throw new OptionError("Cannot calibrate sequentially with statistics made earlier: give the text");
  }
}
