/**
 * Calibration of one Linear after another, each on the model whose earlier Linears are quantized.
 *
 * @module
 */
import { pause } from "../event_loop.ts";
import type { InputStats } from "../learn/input_stats.ts";
import type { Replaced, Source } from "../model/source.ts";
import { resumePass, type Sample, sampleOf, type SampleOptions, sumsOfEveryToken } from "./calibrate.ts";
import { doneOfLayer } from "./done_layer.ts";
import { meansOf, SumCollector } from "./input_sums.ts";
import type { LayerPass } from "./layer_pass.ts";
import type { Store } from "./store.ts";

/** Statistics of Linears in the model's order. The sample stands before the layer of the Linear asked for last. */
export class SequentialCalibration {
  readonly #source: Source;
  readonly #store: Store;
  readonly #sample: Sample;
  readonly #pass: LayerPass;
  #known: ReadonlyMap<string, InputStats> = new Map();

  private constructor(source: Source, means: { store: Store; sample: Sample; pass: LayerPass }) {
    this.#source = source;
    this.#store = means.store;
    this.#sample = means.sample;
    this.#pass = means.pass;
  }

  /** Begins, or resumes where a store's pass is. */
  static async open(source: Source, store: Store, options: SampleOptions): Promise<SequentialCalibration> {
    const sample = sampleOf(source, options);
    const pass = await resumePass(source, store, { sample, name: "sequential" });
    return new SequentialCalibration(source, { store, sample, pass });
  }

  /** Statistics of the input of a layer's Linear, if the store has all Linears before it. */
  async stats(linear: string, layer: number): Promise<InputStats | undefined> {
    const [pass, sample] = [this.#pass, this.#sample];
    while (pass.layer < layer) {
      using part = this.#source.part(pass.layer, this.#done(pass.layer));
      await pass.advance(part);
      this.#store.set("pass", "sequential", pass.state);
      await pause(sample.signal);
    }
    // Linears that share an input are calibrated together: nothing that they see has changed in between.
    if (!this.#known.has(linear)) {
      using sums = new SumCollector(this.#source.backend, sample);
      using part = this.#source.part(layer, this.#done(layer));
      await pass.observe(part, async (linears, input, piece) => {
        if (!linears.includes(linear)) return;
        await sums.add(linears, input, sample.partOf(piece));
        return "stop";
      });
      const seen = await sums.sums();
      this.#known = meansOf(
        seen.size > 0
          ? seen
          : await sumsOfEveryToken(this.#source, { pass, part, sample, linears: [linear] }),
      );
    }
    return this.#known.get(linear);
  }

  /** The tensors of a layer that are done. */
  #done(layer: number): Replaced {
    return doneOfLayer(this.#source, this.#store, { layer });
  }
}
