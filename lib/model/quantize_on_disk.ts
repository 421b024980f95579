/**
 * A model from disk to disk, quantized a tensor at a time.
 *
 * @module
 */
import { CheckpointError, OptionError } from "../errors.ts";
import { pause } from "../event_loop.ts";
import { resolveGroupSize } from "../learn/quantize.ts";
import { dequantize, isPacked } from "../matrix/packed_matrix.ts";
import { storedBytes, type TensorToWrite } from "../matrix/safetensors_write.ts";
import { peakMemory } from "../peak_memory.ts";
import { type Asked, fingerprint } from "./asked.ts";
import type { Calibration } from "./calibrate.ts";
import { calibrateOnDisk, SequentialCalibration } from "./calibrate_on_disk.ts";
import { Checkpoint, writeCheckpoint } from "./checkpoint.ts";
import { CALIBRATION_SAMPLE } from "./calibration_sample.ts";
import { chooseFormats } from "./choose_formats.ts";
import { effectsOnDisk, type Probes, windowsOf } from "./effects.ts";
import { type DoneLinear, Journal } from "./journal.ts";
import type { TensorPlace } from "./layout.ts";
import { linkedName } from "./locate.ts";
import { type LoadOptions, readTensor } from "./model.ts";
import { type LinearSummary, modelCard, type OnDiskSummary } from "../show/model_card.ts";
import { ModelOnDisk } from "./model_on_disk.ts";
import type { QuantizationConfig } from "./packed_tensors.ts";
import { type FormatChoice, type Planned, planOf } from "./plan.ts";
import type { QuantizeModelOptions } from "./quantize_model.ts";
import { referenceTensors } from "./reference_tensors.ts";
import { needsStats, outputError, quantizeLinear } from "./quantize_linear.ts";
import { denseTensor, savedConfig, writableType } from "./save.ts";

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
  using journal = Journal.open(folder, { asked, restart: options.restart });
  if (journal.finished) {
    journal.remove();
    return journal.finished as OnDiskSummary;
  }
  try {
    using job = new Job(model, { journal, options });
    const choices = await job.choose(plan);
    await job.quantize(choices);
    const summary = job.finish(folder, {
      name: linkedName(name, model.checkpoint.folder),
      asked,
      seconds: () => (performance.now() - started) / 1000,
    });
    journal.finish(asked, { ...summary, found: summary.linears.length });
    journal.remove();
    return summary;
  } catch (error) {
    // What cannot be done as it was asked for need not be gone on with.
    if (error instanceof OptionError) journal.remove();
    if (error instanceof CheckpointError && /os error 28\b/.test(error.message)) {
      throw new CheckpointError(
        `${error.message}; what is done is kept, make room and start again to go on`,
        { cause: error },
      );
    }
    throw error;
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

/** A tensor as it is to be written, and the Linear that it is. */
interface StoredTensor {
  readonly tensors: readonly TensorToWrite[];
  readonly done?: DoneLinear;
}

/** One job: its model, its journal, and its options. */
class Job implements Disposable {
  readonly #model: ModelOnDisk;
  readonly #journal: Journal;
  readonly #options: QuantizeOnDiskOptions;
  readonly #text?: string;
  #stats?: Calibration;
  #sequential?: SequentialCalibration;

  constructor(model: ModelOnDisk, means: { journal: Journal; options: QuantizeOnDiskOptions }) {
    this.#model = model;
    this.#journal = means.journal;
    this.#options = means.options;
    const { calibration } = means.options;
    if (typeof calibration === "string") this.#text = calibration;
  }

  /** What each Linear becomes: as planned, or by what it costs. Calibrates where that needs it. */
  async choose(plan: ReadonlyMap<string, Planned>): Promise<ReadonlyMap<string, FormatChoice>> {
    const { targetBits, sequential } = this.#options;
    const learned = plan.values().some((choice) => needsStats(choice, this.#options));
    if (targetBits !== undefined || (learned && !sequential)) this.#stats = await this.#calibrate();
    if (targetBits === undefined) return plan;

    const [model, journal] = [this.#model, this.#journal];
    const known = journal.costs();
    const tell = this.#progress("measuring", [...plan.keys()].filter((linear) => !known.has(linear)));
    const chosen = await chooseFormats(plan, {
      ...this.#options,
      backend: model.backend,
      stats: this.#stats!,
      targetBits,
      linears: model.linears(),
      weights: (linear) => model.weights(linear),
      shape: (linear) => model.shape(linear),
      bits: (linear) => 8 * this.#storedBytes(`${linear}.weight`),
      effects: (probes) => this.#effects(probes),
      known: (linear) => known.get(linear),
      done: async (linear, costs) => {
        known.set(linear, costs);
        journal.writeCosts(known);
        await tell(linear);
      },
    });
    if (sequential) this.#stats = undefined;
    return chosen;
  }

  /** What noise in Linears does to predictions, with one layer in memory. */
  async #effects(probes: Probes): Promise<ReadonlyMap<string, number>> {
    const [model, { onProgress }] = [this.#model, this.#options];
    const ids = model.tokenizer.encode(this.#text ?? CALIBRATION_SAMPLE);
    const windows = windowsOf(ids, model.checkpoint.config.max_position_embeddings);
    const known = this.#journal.effects();
    if (known) return known;
    let first: number | undefined;
    const effects = await effectsOnDisk(model, windows, {
      ...probes,
      journal: this.#journal,
      onLayer: (layer, layers) => {
        peakMemory();
        first ??= layer - 1;
        const name = `layer ${layer - 1}`;
        onProgress?.({ phase: "following noise", done: layer - first, total: layers - first, name });
      },
    });
    this.#journal.writeEffects(effects);
    return effects;
  }

  async #calibrate(): Promise<Calibration> {
    const { calibration, onProgress } = this.#options;
    if (typeof calibration === "object") return calibration;
    let first: number | undefined;
    return await calibrateOnDisk(this.#model, {
      journal: this.#journal,
      text: this.#text,
      onLayer: (layer, layers) => {
        first ??= layer - 1;
        const name = `layer ${layer - 1}`;
        onProgress?.({ phase: "calibrating", done: layer - first, total: layers - first, name });
      },
    });
  }

  /** Quantizes what is not done yet. */
  async quantize(choices: ReadonlyMap<string, FormatChoice>): Promise<void> {
    const [model, journal, options] = [this.#model, this.#journal, this.#options];
    const { weighting, codebook, learner, scaleType } = options;
    const learning = { weighting, codebook, learner, scaleType };
    const missing = [...choices].filter(([linear]) => !journal.hasLinear(linear));
    const tell = this.#progress("quantizing", missing.map(([linear]) => linear));
    for (const [linear, choice] of missing) {
      const stats = await this.#statsOf(linear, choice);
      const weights = model.weights(linear);
      const packed = quantizeLinear(weights, { ...learning, backend: model.backend, linear, choice, stats });
      if (isPacked(weights)) return;
      journal.writeLinear(linear, { packed, error: outputError(weights, packed, stats?.meanSquare) });
      await tell(linear);
    }
  }

  async #statsOf(linear: string, choice: FormatChoice) {
    if (this.#stats || !needsStats(choice, this.#options)) return this.#stats?.get(linear);
    this.#sequential ??= await SequentialCalibration.open(this.#model, {
      journal: this.#journal,
      text: this.#text,
    });
    return await this.#sequential.stats(linear);
  }

  /** Counts the weights of some Linears as they are done. */
  #progress(phase: OnDiskPhase, linears: readonly string[]): (linear: string) => Promise<void> {
    const size = (linear: string) => {
      const { rows, cols } = this.#model.shape(linear);
      return rows * cols;
    };
    const total = linears.reduce((sum, linear) => sum + size(linear), 0);
    let done = 0;
    return async (linear) => {
      peakMemory();
      this.#options.onProgress?.({ phase, done: done += size(linear), total, name: linear });
      await pause();
    };
  }

  /** Bytes that a tensor takes in the model's files. */
  #storedBytes(name: string): number {
    return this.#parts(name).reduce((sum, part) => sum + this.#model.checkpoint.info(part).bytes, 0);
  }

  /** Writes the model's folder from what is done and what stays. */
  finish(folder: string, means: { name: string; asked: Asked; seconds: () => number }): OnDiskSummary {
    const [model, journal] = [this.#model, this.#journal];
    const { dequantized, maxShardBytes, onProgress } = this.#options;
    const { checkpoint } = model;
    // Of a model that is quantized in part, what is skipped stays as it is.
    const before = (checkpoint.config.quantization_config as QuantizationConfig | undefined)?.tensors;
    const quantization: QuantizationConfig = {
      quant_method: "any4-deno",
      tensors: dequantized ? {} : { ...before },
    };
    const tensors: TensorToWrite[] = [];
    const linears: LinearSummary[] = [];
    let [parameters, originalBytes, bits, weights] = [0, 0, 0, 0];
    const names = new Set(model.linears().map((linear) => `${linear}.weight`));
    for (const place of model.places.values()) {
      const { name: tensor, rows, cols } = place;
      const linear = tensor.replace(/\.weight$/, "");
      parameters += rows * cols;
      originalBytes += this.#storedBytes(tensor);
      const stored = this.#stored(place);
      const bytes = stored.tensors.reduce((sum, each) => sum + storedBytes(each), 0);
      tensors.push(...stored.tensors);
      if (!names.has(tensor)) continue;
      weights += rows * cols;
      bits += 8 * bytes;
      if (!stored.done) continue;
      const { format, groupSize, error } = stored.done;
      if (!dequantized) quantization.tensors[tensor] = { format, group_size: groupSize };
      linears.push({
        linear,
        rows,
        cols,
        format,
        groupSize,
        error,
        bitsPerWeight: 8 * bytes / (rows * cols),
      });
    }
    const bytes = tensors.reduce((sum, tensor) => sum + storedBytes(tensor), 0);
    const summary = {
      model: means.name,
      folder,
      linears,
      found: journal.found,
      parameters,
      bitsPerWeight: bits / weights,
      bytes,
      originalBytes,
      ...(dequantized ? { dequantized } : {}),
      calibration: means.asked.calibration as string,
      weighting: this.#options.weighting ?? "mean-square",
      sequential: this.#options.sequential ?? false,
      ...(this.#options.targetBits === undefined ? {} : { targetBits: this.#options.targetBits }),
    };
    let done = 0;
    writeCheckpoint(folder, {
      config: savedConfig(checkpoint.rawConfig, {
        quantization,
        dequantized,
        reference: this.#options.reference,
      }),
      generationConfig: checkpoint.generationConfig,
      tensors: tensors.map((tensor) => ({
        ...tensor,
        data: () => {
          onProgress?.({
            phase: "writing",
            done: done += storedBytes(tensor),
            total: bytes,
            name: tensor.name,
          });
          return tensor.data();
        },
      })),
      metadata: { format: "pt" },
      copyFrom: checkpoint.folder,
      files: model.tokenizer.files,
      texts: { "README.md": modelCard(summary) },
      maxShardBytes,
    });
    using written = Checkpoint.open(folder);
    const fileBytes = written.files().reduce((sum, path) => sum + Deno.statSync(path).size, 0);
    return { ...summary, fileBytes, seconds: means.seconds(), peakBytes: peakMemory() };
  }

  /** A tensor as it is to be written: what a Linear became, or what it is. */
  #stored(place: TensorPlace): StoredTensor {
    const [{ checkpoint }, journal] = [this.#model, this.#journal];
    const { dequantized, reference } = this.#options;
    const { name } = place;
    const linear = name.replace(/\.weight$/, "");
    if (journal.hasLinear(linear)) {
      const done = journal.linear(linear);
      if (reference) {
        const dtype = writableType(checkpoint.info(this.#model.layout.embedding.name).dtype);
        const tensors = () => referenceTensors(name, journal.packed(linear, place), dtype);
        return { done, tensors: tensors().map((one, i) => ({ ...one, data: () => tensors()[i]!.data() })) };
      }
      const values = () => dequantize(journal.packed(linear, place));
      return { done, tensors: dequantized ? [denseTensor(place, { dtype: "BF16", values })] : done.tensors };
    }
    const parts = this.#parts(name);
    if (dequantized && parts.some((part) => checkpoint.info(part).dtype !== "BF16")) {
      const values = () => {
        const tensor = readTensor(checkpoint, place)!;
        return isPacked(tensor) ? dequantize(tensor) : tensor.data;
      };
      return { tensors: [denseTensor(place, { dtype: "BF16", values })] };
    }
    return {
      tensors: parts.map((part) => {
        const { dtype, shape } = checkpoint.info(part);
        return { name: part, dtype, shape, data: () => checkpoint.chunks(part) };
      }),
    };
  }

  /** The tensors that a tensor is in the model's files: itself, or the parts of a packed one. */
  #parts(name: string): string[] {
    const { checkpoint } = this.#model;
    return checkpoint.has(name) ? [name] : checkpoint.names().filter((part) => part.startsWith(`${name}.`));
  }

  /** Gives back what it holds on the backend. */
  [Symbol.dispose](): void {
    this.#sequential?.[Symbol.dispose]();
  }
}
