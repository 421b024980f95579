/**
 * Calibration of a model that need not fit in memory.
 *
 * @module
 */
import { pause } from "../../event_loop.ts";
import type { InputStats } from "../../learn/input_stats.ts";
import { InputSums, piecesOf } from "../calibrate.ts";
import type { Journal } from "./journal.ts";
import type { Observer } from "../../model/decoder/decoder.ts";
import { LayerPass } from "./layer_pass.ts";
import type { LoadedPart, ModelOnDisk, Replaced } from "./model_on_disk.ts";

/** The pieces in which a model sees a sample. */
function samplePieces({ tokenizer, checkpoint }: ModelOnDisk, text?: string): number[][] {
  return piecesOf({ tokenizer, config: checkpoint.config }, { text });
}

/** A pass that goes on where a journal says, or begins. */
async function passOf(
  model: ModelOnDisk,
  options: { journal: Journal; text?: string; name?: string },
): Promise<LayerPass> {
  const { journal, text, name } = options;
  const before = journal.pass(name);
  const pass = new LayerPass(model, samplePieces(model, text), before);
  if (!before) await pass.embed();
  return pass;
}

/** The statistics of what an observer is shown. */
async function collect(
  model: ModelOnDisk,
  run: (observe: Observer) => Promise<void>,
): Promise<Map<string, InputStats>> {
  const sums = new InputSums(model.backend);
  await run((linears, input) => sums.add(linears, input));
  return await sums.means();
}

/** The statistics of experts that no token went to, as if all had. */
async function collectOfAll(
  model: ModelOnDisk,
  means: { pass: LayerPass; part: LoadedPart; linears: readonly string[] },
): Promise<Map<string, InputStats>> {
  const { pass, part, linears } = means;
  const sums = new InputSums(model.backend);
  await pass.observe(part, async (shown, input) => {
    if (shown.some((linear) => linears.includes(linear))) await sums.add(shown, input);
  }, true);
  return await sums.means();
}

/**
 * Collects the statistics that `calibrate` does, bit for bit, with one layer in memory, and keeps them in a journal.
 *
 * @param options.onLayer is told of every layer done.
 */
export async function calibrateOnDisk(
  model: ModelOnDisk,
  options: { journal: Journal; text?: string; onLayer?: (done: number, layers: number) => void },
): Promise<Map<string, InputStats>> {
  const { journal, onLayer } = options;
  const layers = model.checkpoint.config.num_hidden_layers;
  const stats = new Map<string, InputStats>();
  using pass = await passOf(model, options);
  for (let layer = 0; layer < pass.layer; layer++) {
    for (const [linear, entry] of journal.stats(layer)) stats.set(linear, entry);
  }
  while (pass.layer < layers) {
    const { layer } = pass;
    using part = model.part(layer);
    const before = pass.hidden.slice();
    const means = await collect(model, (observe) => pass.advance(part, observe));
    const unseen = model.linearsOfLayer(layer).filter((linear) => !means.has(linear));
    if (unseen.length > 0) {
      using again = new LayerPass(model, samplePieces(model, options.text), { layer, hidden: before });
      const all = await collectOfAll(model, { pass: again, part, linears: unseen });
      for (const linear of unseen) means.set(linear, all.get(linear)!);
    }
    journal.writeStats(layer, means);
    journal.writePass(pass);
    for (const [linear, entry] of means) stats.set(linear, entry);
    onLayer?.(pass.layer, layers);
    await pause();
  }
  return stats;
}

/**
 * Statistics of one Linear after another, in the model's order, each on the model whose earlier Linears are quantized. The
 * sample stands before the layer of the Linear asked for last.
 */
export class SequentialCalibration implements Disposable {
  readonly #model: ModelOnDisk;
  readonly #journal: Journal;
  readonly #pass: LayerPass;
  /** The number of the layer that each Linear belongs to. */
  readonly #layers: ReadonlyMap<string, number>;
  #known: ReadonlyMap<string, InputStats> = new Map();

  private constructor(model: ModelOnDisk, journal: Journal, pass: LayerPass) {
    this.#model = model;
    this.#journal = journal;
    this.#pass = pass;
    this.#layers = new Map(
      model.layout.layers.flatMap((_, i) => model.linearsOfLayer(i).map((linear) => [linear, i] as const)),
    );
  }

  /** Begins, or goes on where a journal says. */
  static async open(
    model: ModelOnDisk,
    options: { journal: Journal; text?: string },
  ): Promise<SequentialCalibration> {
    const pass = await passOf(model, { ...options, name: "sequential" });
    return new SequentialCalibration(model, options.journal, pass);
  }

  /** What the columns of a Linear are multiplied by. */
  async stats(linear: string): Promise<InputStats | undefined> {
    const layer = this.#layers.get(linear)!;
    while (this.#pass.layer < layer) {
      using part = this.#model.part(this.#pass.layer, { replaced: this.#done(this.#pass.layer) });
      await this.#pass.advance(part);
      this.#journal.writePass(this.#pass, "sequential");
      await pause();
    }
    // Linears that share an input are calibrated together: nothing that they see has changed in between.
    if (!this.#known.has(linear)) {
      const sums = new InputSums(this.#model.backend);
      using part = this.#model.part(layer, { replaced: this.#done(layer) });
      await this.#pass.observe(part, async (linears, input) => {
        if (!linears.includes(linear)) return;
        await sums.add(linears, input);
        return "stop";
      });
      const seen = await sums.means();
      this.#known = seen.has(linear)
        ? seen
        : await collectOfAll(this.#model, { pass: this.#pass, part, linears: [linear] });
    }
    return this.#known.get(linear);
  }

  /** The Linears of a layer that are done. */
  #done(layer: number): Replaced {
    const done = this.#model.linearsOfLayer(layer).filter((name) => this.#journal.hasLinear(name));
    return new Map(
      done.map((name) => [`${name}.weight`, this.#journal.packed(name, this.#model.shape(name))]),
    );
  }

  /** Gives back what it holds on the backend. */
  [Symbol.dispose](): void {
    this.#pass[Symbol.dispose]();
  }
}
