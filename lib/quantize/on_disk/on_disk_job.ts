/**
 * What a quantization from disk to disk does: calibrate, choose, quantize, each as far as its journal does not say that it is done.
 *
 * @module
 */
import { pause } from "../../event_loop.ts";
import { peakMemory } from "../../peak_memory.ts";
import type { InputStats } from "../../learn/input_stats.ts";
import { needsOf } from "../../learn/methods/mod.ts";
import type { Calibration } from "../calibrate.ts";
import { calibrateOnDisk, SequentialCalibration } from "./calibrate_on_disk.ts";
import { CALIBRATION_SAMPLE } from "../calibration_sample.ts";
import { chooseFormats } from "../choose_formats.ts";
import { effectsOnDisk, type Probes, windowsOf } from "../effects.ts";
import type { Journal } from "./journal.ts";
import type { ModelOnDisk } from "./model_on_disk.ts";
import type { FormatChoice, Planned } from "../plan.ts";
import { denseWeights, noiseToSignal, quantizeLinear } from "../quantize_linear.ts";
import type { OnDiskPhase, QuantizeOnDiskOptions } from "./quantize_on_disk.ts";

/** One job: its model, its journal, and its options. */
export class Job implements Disposable {
  readonly #model: ModelOnDisk;
  readonly #journal: Journal;
  readonly #options: QuantizeOnDiskOptions;
  readonly #text?: string;
  #stats?: Calibration;
  #sequential?: SequentialCalibration;

  /** @param means the journal says what is done already. */
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
    const learned = plan.values().some(({ format }) => needsOf(format, this.#options) !== "nothing");
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
      bits: (linear) => 8 * model.storedBytes(`${linear}.weight`),
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
    const { method, weighting, codebook, scaleType } = options;
    const learning = { method, weighting, codebook, scaleType };
    const missing = [...choices].filter(([linear]) => !journal.hasLinear(linear));
    const tell = this.#progress("quantizing", missing.map(([linear]) => linear));
    for (const [linear, choice] of missing) {
      const stats = await this.#statsOf(linear, choice);
      const weights = denseWeights(model.weights(linear), linear);
      const packed = quantizeLinear(weights, { ...learning, backend: model.backend, linear, choice, stats });
      journal.writeLinear(linear, { packed, error: noiseToSignal(weights, packed, stats?.meanSquare) });
      await tell(linear);
    }
  }

  async #statsOf(linear: string, choice: FormatChoice): Promise<InputStats | undefined> {
    if (this.#stats || needsOf(choice.format, this.#options) === "nothing") return this.#stats?.get(linear);
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

  /** Gives back what it holds on the backend. */
  [Symbol.dispose](): void {
    this.#sequential?.[Symbol.dispose]();
  }
}
