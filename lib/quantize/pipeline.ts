/**
 * What a quantization does, in memory and on disk alike: calibrate, choose, quantize, each as far as a store does not have it.
 *
 * Its units of work depend on nothing but what they are given, so other processes can do them, and a FileStore carries their
 * results: `sumsOfPart` (statistics of a part of the sample), `joinSums`, `measureLinear` and `solveLinear`. `Units` names them.
 *
 * @module
 */
import { pause } from "../event_loop.ts";
import { OptionError } from "../errors.ts";
import type { InputStats } from "../learn/input_stats.ts";
import { methodOf, needsOf } from "../learn/methods/mod.ts";
import { linearNames, linearsOf } from "../model/decoder/layout.ts";
import type { Source } from "../model/source.ts";
import { scaleInputs } from "./awq.ts";
import { calibrateLayers, type Calibration, type SampleOptions, type StatsOfLayer } from "./calibrate.ts";
import { checkOrigin } from "./calibration_file.ts";
import { sampleText } from "./calibration_sample.ts";
import { checkReach, chooseFormats } from "./choose_formats.ts";
import { effectsOf, windowsOf } from "./effects.ts";
import { layeredStats } from "./layer_calibration.ts";
import { LayerTuning } from "./layer_tuning.ts";
import type { OnDiskPhase, OnDiskProgress, PipelineOptions } from "./options.ts";
import { type FormatChoice, type Planned, planOf, planOfEnds } from "./plan.ts";
import { endLearningOf, learningOf, quantizeLinear, solveLinear } from "./quantize_linear.ts";
import { sequentialStats } from "./sequential_calibration.ts";
import { tuneWhole } from "./model_tuning.ts";
import { checkTuning } from "./tuning_options.ts";
import { checkTunable } from "./tuning_text.ts";
import type { Store } from "./store.ts";

/** Options of a run. */
export interface RunOptions extends PipelineOptions {
  /** Keep the error of each Linear's output too. */
  errors?: boolean;
  /** Is told how far it is. */
  onProgress?: (progress: OnDiskProgress) => void;
}

/** Finds the statistics of a Linear; undefined where there are none, or none are needed. */
type StatsLookup = (linear: string) => Promise<InputStats | undefined>;

/**
 * Quantizes a model's Linears: afterwards the store has each as "linear", by its name. What it has already is not done again.
 *
 * @throws {OptionError} when an option is unknown or out of range, a Linear is quantized already, or the calibration is
 * another model's.
 * @throws {TensorError} when a weight is NaN or infinite.
 * @throws the signal's reason, if `signal` cancels it; the store keeps what is done.
 */
export async function run(source: Source, store: Store, options: RunOptions): Promise<void> {
  await new Run(source, store, options).run();
}

class Run {
  /** The model; from AWQ on, the scaled one. */
  #source: Source;
  readonly #store: Store;
  readonly #options: RunOptions;
  readonly #given?: Calibration;
  /** The sample that it is calibrated with, unless statistics are given. */
  readonly #sample: SampleOptions;
  /** The layer of each Linear. */
  readonly #layers: ReadonlyMap<string, number>;
  /** Rows and columns of each Linear. */
  readonly #shapes: ReadonlyMap<string, { readonly rows: number; readonly cols: number }>;

  constructor(source: Source, store: Store, options: RunOptions) {
    const { layout } = source;
    this.#source = source;
    this.#store = store;
    this.#options = options;
    const { calibration, parts, method, tokenWeights, tuneBlocks, tuneModel, signal } = options;
    if (tuneBlocks || tuneModel) checkTunable(source);
    for (const tuning of [tuneBlocks, tuneModel]) if (typeof tuning === "object") checkTuning(tuning);
    const text = textOf(calibration);
    if (text === undefined) this.#given = calibration as Calibration | undefined;
    this.#sample = { text, parts, tokenWeights, signal, gram: methodOf(method).needs === "gram" };
    this.#layers = new Map(
      layout.layers.flatMap((_, layer) =>
        linearNames(layout, layer).map((linear) => [linear, layer] as const)
      ),
    );
    this.#shapes = new Map(Array.from(linearsOf(layout), ({ name, weight }) => [name, weight]));
  }

  async run(): Promise<void> {
    const { sequential, targetBits, awq } = this.#options;
    const plan = planOf([...this.#layers.keys()], this.#options);
    const ends = planOfEnds(this.#source.layout, this.#options);
    if (targetBits !== undefined) {
      checkReach(plan, { ...this.#options, source: this.#source, shapes: this.#shapes, targetBits });
    }
    const needed = [...plan].filter(([, { format }]) => needsOf(format, this.#options) !== "nothing");
    if (this.#given) this.#checkGiven(needed.map(([linear]) => linear));
    const layered = (this.#sample.gram || awq) && !this.#given && !sequential;
    const all = targetBits !== undefined || (needed.length > 0 && !sequential && !layered);
    const stats = all ? await this.#calibrate() : undefined;
    const choices = targetBits === undefined ? plan : await this.#choose(plan, { stats: stats!, targetBits });
    if (awq) await this.#scale(choices);
    const open = sequential ? sequentialStats : layered ? layeredStats : undefined;
    await this.#quantize(choices, open ? this.#opened(open) : stats ?? nothing);
    await this.#quantizeEnds(ends);
  }

  /** Statistics made earlier are refused before any work is done that they would spoil. */
  #checkGiven(needed: readonly string[]): void {
    const { sequential, awq } = this.#options;
    if (sequential || awq) {
      const verb = sequential ? "calibrate sequentially" : "scale inputs by AWQ";
      throw new OptionError(`Cannot ${verb} with statistics made earlier: give the text`);
    }
    checkOrigin(this.#source, this.#given!);
    const missing = needed.find((linear) => !this.#given!.has(linear));
    if (missing) throw new OptionError(`Cannot quantize ${missing}: the calibration has no statistics of it`);
  }

  /** Collects all statistics of columns that are not kept. */
  async #calibrate(): Promise<StatsLookup> {
    const given = this.#given;
    if (given) return (linear) => Promise.resolve(given.get(linear));
    await calibrateLayers(this.#source, this.#store, {
      ...this.#sample,
      gram: false,
      text: sampleText(this.#sample),
      onProgress: this.#layerProgress("calibrating"),
    });
    // Those of one layer are in memory at a time.
    let [current, stats]: [number, ReadonlyMap<string, InputStats>] = [-1, new Map()];
    return (linear) => {
      const layer = this.#layers.get(linear)!;
      if (layer !== current) [current, stats] = [layer, this.#store.get("stats", String(layer))!];
      return Promise.resolve(stats.get(linear));
    };
  }

  /** Statistics of each Linear, from the first one that is asked for on. */
  #opened(open: typeof sequentialStats): StatsLookup {
    let opened: Promise<StatsOfLayer> | undefined;
    return async (linear) => {
      opened ??= open(this.#source, this.#store, this.#sample);
      return await (await opened)(linear, this.#layers.get(linear)!);
    };
  }

  /** Scales inputs for what Linears are quantized to. */
  async #scale(choices: ReadonlyMap<string, FormatChoice>): Promise<void> {
    const { onProgress } = this.#options;
    this.#source = await scaleInputs(this.#source, this.#store, {
      ...this.#sample,
      ...learningOf(this.#options),
      choices,
      onProgress: (done, total) => onProgress?.({ phase: "scaling", done, total, name: `input ${done}` }),
    });
  }

  /** Chooses each Linear's format by its costs. */
  async #choose(
    plan: ReadonlyMap<string, Planned>,
    { stats, targetBits }: { stats: StatsLookup; targetBits: number },
  ): Promise<ReadonlyMap<string, FormatChoice>> {
    const [source, store] = [this.#source, this.#store];
    const missing = [...plan.keys()].filter((linear) => !store.has("costs", linear));
    // Formats are probed by k-means, which knows columns: what it costs tells formats apart, and only what is chosen is solved.
    const method = this.#sample.gram ? "kmeans" : this.#options.method;
    return await chooseFormats(plan, {
      ...this.#options,
      method,
      source,
      store,
      stats,
      targetBits,
      shapes: this.#shapes,
      done: this.#weightProgress("measuring", missing),
      effects: async (probes) => {
        const known = store.get("effects", "model");
        if (known) return known;
        const ids = source.tokenizer.encode([sampleText(this.#sample)].flat()[0]!);
        const onLayer = this.#layerProgress("following noise");
        const windows = windowsOf(ids, source.config.max_position_embeddings);
        const effects = await effectsOf(source, windows, {
          ...probes,
          store,
          onLayer,
          signal: this.#options.signal,
        });
        store.set("effects", "model", effects);
        return effects;
      },
    });
  }

  /** Quantizes what is not done yet. */
  async #quantize(choices: ReadonlyMap<string, FormatChoice>, stats: StatsLookup): Promise<void> {
    const [{ backend }, store] = [this.#source, this.#store];
    const { sequential, errors } = this.#options;
    const learning = learningOf(this.#options);
    const missing = [...choices].filter(([linear]) => !store.has("linear", linear));
    const tell = this.#weightProgress("quantizing", missing.map(([linear]) => linear));
    const tuning = await this.#tuning();
    for (const [linear, choice] of missing) {
      // Whatever comes before this layer is done.
      await tuning?.upTo(this.#layers.get(linear)!);
      const needed = needsOf(choice.format, learning) !== "nothing" || !sequential;
      const problem = {
        ...learning,
        backend,
        linear,
        choice,
        stats: needed ? await stats(linear) : undefined,
      };
      const weights = this.#source.weights(linear);
      const done = errors ? solveLinear(weights, problem) : { packed: quantizeLinear(weights, problem) };
      store.set("linear", linear, done);
      await tell(linear);
    }
    await tuning?.upTo(this.#source.layout.layers.length);
    await this.#tuneWhole();
  }

  /** Tunes all layers together, if they are to be. */
  async #tuneWhole(): Promise<void> {
    const { tuneModel, onProgress, signal } = this.#options;
    if (!tuneModel) return;
    await tuneWhole(this.#source, this.#store, {
      text: this.#sample.text,
      ...(tuneModel === true ? {} : tuneModel),
      signal,
      onStep: (done, total) => onProgress?.({ phase: "tuning", done, total, name: `step ${done}` }),
    });
  }

  /** Tunes layers, if they are to be. */
  async #tuning(): Promise<{ upTo(layer: number): Promise<void> } | undefined> {
    const { tuneBlocks, onProgress, signal } = this.#options;
    if (!tuneBlocks) return undefined;
    const own = tuneBlocks === true ? {} : tuneBlocks;
    const tuning = await LayerTuning.open(this.#source, this.#store, {
      text: this.#sample.text,
      ...own,
      signal,
    });
    const layers = this.#source.layout.layers.length;
    return {
      upTo: async (layer) => {
        while (tuning.layer < layer) {
          const name = `layer ${tuning.layer}`;
          await tuning.advance((done, steps) =>
            onProgress?.({ phase: "tuning", done: tuning.layer + done / steps, total: layers, name })
          );
          await pause(signal);
        }
      },
    };
  }

  /** Quantizes the head and the embedding, if they are to be, from their weights alone. */
  async #quantizeEnds(ends: ReadonlyMap<string, FormatChoice>): Promise<void> {
    const [{ backend }, store] = [this.#source, this.#store];
    const { errors } = this.#options;
    for (const [linear, choice] of ends) {
      if (store.has("linear", linear)) continue;
      const weights = this.#source.weights(linear);
      const problem = { ...endLearningOf(this.#options), backend, linear, choice };
      store.set(
        "linear",
        linear,
        errors ? solveLinear(weights, problem) : { packed: quantizeLinear(weights, problem) },
      );
      const total = weights.rows * weights.cols;
      this.#options.onProgress?.({ phase: "quantizing", done: total, total, name: linear });
      await pause(this.#options.signal);
    }
  }

  /** Counts layers. */
  #layerProgress(phase: OnDiskPhase): (done: number, layers: number) => void {
    let first: number | undefined;
    return (done, layers) => {
      first ??= done - 1;
      const name = `layer ${done - 1}`;
      this.#options.onProgress?.({ phase, done: done - first, total: layers - first, name });
    };
  }

  /** Counts the weights of some Linears as they are done. */
  #weightProgress(phase: OnDiskPhase, linears: readonly string[]): (linear: string) => Promise<void> {
    const size = (linear: string) => {
      const { rows, cols } = this.#shapes.get(linear)!;
      return rows * cols;
    };
    const total = linears.reduce((sum, linear) => sum + size(linear), 0);
    let done = 0;
    return async (linear) => {
      this.#options.onProgress?.({ phase, done: done += size(linear), total, name: linear });
      await pause(this.#options.signal);
    };
  }
}

/** The text or texts that a calibration is to be made from. */
export function textOf(calibration: PipelineOptions["calibration"]): string | readonly string[] | undefined {
  return typeof calibration === "string" || Array.isArray(calibration) ? calibration : undefined;
}

/** The calibration if no Linear needs statistics. */
const nothing: StatsLookup = () => Promise.resolve(undefined);
