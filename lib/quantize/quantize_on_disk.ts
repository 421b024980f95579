/**
 * A model from disk to disk, quantized a tensor at a time.
 *
 * @module
 */
import { CheckpointError, OptionError } from "../errors.ts";
import { interruptible } from "../event_loop.ts";
import { resolveGroupSize } from "../learn/quantize.ts";
import { exists, isSameFile, tryTo, writeText } from "../files/disk.ts";
import { currentFolder } from "../files/replace_files.ts";
import { linkedName } from "../model/checkpoint/locate.ts";
import { checkTarget } from "../model/checkpoint/write_checkpoint.ts";
import { ModelOnDisk } from "../model/model_on_disk.ts";
import { peakMemory } from "../peak_memory.ts";
import type { FileStore } from "./file_store.ts";
import { fingerprint, formOf } from "./fingerprint.ts";
import { finishOnDisk } from "./finish_on_disk.ts";
import { Journal } from "./journal.ts";
import { modelCard, type OnDiskSummary } from "./model_card.ts";
import type { OnDiskProgress, QuantizeOnDiskOptions } from "./options.ts";
import { run } from "./pipeline.ts";
import { type FormatChoice, planOf } from "./plan.ts";

/**
 * Quantizes a model's Linears as `quantizeModel` does, from a folder to a folder: no more than a layer and a few matrices
 * are in memory, so the model may be larger than that. The result is the folder that `saveModel` would write, and a model
 * card.
 *
 * If it is killed or the disk fills up, run it again with the same arguments: it resumes and produces the same bytes. Until
 * it is finished the folder holds no model (or the one that was there before), and `loadModel` says so. The packed Linears
 * are on disk twice for a moment.
 *
 * @param name the model, as `loadModel` takes it.
 * @param folder where the quantized model goes.
 * @throws {OptionError} when an option is unknown or out of range, a Linear is quantized already, the calibration is another
 * model's, or the folder has files that this library has not written, unless `force` is given.
 * @throws {TensorError} when a weight is NaN or infinite.
 * @throws {CheckpointError} when files are missing or malformed, or writing fails: what is done is kept.
 * @throws {ResumeError} when the folder holds an unfinished job that something else was asked of, or whose files are damaged or
 * another release's.
 * @throws the signal's reason, if `signal` cancels it: what is done is kept.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { quantizeOnDisk } from "any4";
 * const folder = await Deno.makeTempDir();
 * const { bitsPerWeight } = await quantizeOnDisk("tinyworld", folder, { override: { "*.down_proj": "int8" } });
 * assert(bitsPerWeight > 4 && bitsPerWeight < 8);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function quantizeOnDisk(
  name: string,
  folder: string,
  options: QuantizeOnDiskOptions = {},
): Promise<OnDiskSummary> {
  // What is interrupted does not get to its end, wherever that finds it: the journal's lock is given back here.
  using held = new DisposableStack();
  return await interruptible(() => intoFolder(name, folder, { options, held }));
}

/**
 * {@linkcode quantizeOnDisk}, perhaps of Linears that others have done.
 *
 * @param job.done finds them: the files of every Linear of the plan, else it throws.
 * @param job.held receives the lock, to close it where this is interrupted.
 */
export async function intoFolder(
  name: string,
  folder: string,
  job: { options: QuantizeOnDiskOptions; done?: (model: ModelOnDisk) => FileStore; held?: DisposableStack },
): Promise<OnDiskSummary> {
  const { options, held } = job;
  const started = performance.now();
  using model = await ModelOnDisk.open(name, options);
  const plan = planOf(model.linears(), options);
  checkOptions(model, { folder, options, plan });
  const files = job.done?.(model);
  const existed = exists(folder);
  try {
    using journal = Journal.open(folder, {
      asked: fingerprint(model, options),
      form: formOf(options),
      restart: options.restart,
      files,
      held,
    });
    let summary = journal.finished as OnDiskSummary | undefined;
    if (!summary) {
      if (!files) await quantize(model, { journal, options });
      const finished = finishOnDisk(folder, { name: linkedName(name), model, journal, options });
      const seconds = (performance.now() - started) / 1000;
      summary = { ...finished, folder, seconds, peakBytes: peakMemory() };
      journal.finish({ form: formOf(options), result: { ...summary, found: summary.linears.length } });
    }
    if (options.measure) {
      const measured = await options.measure(folder);
      writeText(`${folder}/README.md`, modelCard(summary, measured));
      summary = { ...summary, measured };
    }
    journal.remove();
    return summary;
  } catch (error) {
    // Only succeeds when empty.
    if (!existed && error instanceof OptionError) tryTo(() => Deno.removeSync(folder));
    if (!(error instanceof CheckpointError && /os error 28\b/.test(error.message))) throw error;
    throw new CheckpointError(
      `${error.message}; finished work is kept; free some space and run the command again to resume`,
      { cause: error },
    );
  }
}

async function quantize(
  model: ModelOnDisk,
  { journal, options }: { journal: Journal; options: QuantizeOnDiskOptions },
): Promise<void> {
  const onProgress = (progress: OnDiskProgress) => {
    peakMemory();
    options.onProgress?.(progress);
  };
  try {
    await run(model, journal, { ...options, onProgress, errors: true });
  } catch (error) {
    // What cannot be done as it was asked for need not be resumed.
    if (error instanceof OptionError) journal.remove();
    throw error;
  }
}

/** Checks what can be checked before anything is written. */
function checkOptions(
  model: ModelOnDisk,
  means: { folder: string; options: QuantizeOnDiskOptions; plan: ReadonlyMap<string, FormatChoice> },
): void {
  const { folder, options, plan } = means;
  const { checkpoint } = model;
  if ([folder, currentFolder(folder)].some((path) => isSameFile(path, checkpoint.folder))) {
    throw new OptionError(`Cannot quantize ${folder} into itself: the result needs a folder of its own`);
  }
  checkTarget(folder, options);
  if (options.dequantized && options.reference) {
    throw new OptionError("Cannot write a model both dequantized and in the reference's layout");
  }
  if (options.reference && (options.head ?? options.embedding)) {
    throw new OptionError(
      "Cannot write a quantized head or embedding in the reference's layout: it keeps both dense",
    );
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
  const colsOf = (linear: string) => model.places.get(`${linear}.weight`)!.cols;
  const uneven = options.reference && [...plan].find(([linear, { format, groupSize }]) => {
    const cols = colsOf(linear);
    return cols % resolveGroupSize(format, { groupSize, cols }) !== 0;
  });
  if (uneven) {
    throw new OptionError(
      `Cannot write ${uneven[0]} in the reference's layout: its groups do not divide its ${
        colsOf(uneven[0])
      } ` +
        `columns; "row" as the group size, or one that divides them, does`,
    );
  }
  if (plan.size === 0) throw new OptionError("Cannot quantize nothing: every Linear is skipped");
  for (const linear of plan.keys()) {
    if (!checkpoint.has(`${linear}.weight`) && checkpoint.has(`${linear}.weight.codes`)) {
      throw new OptionError(`Cannot quantize ${linear}: it is quantized already`);
    }
  }
}
