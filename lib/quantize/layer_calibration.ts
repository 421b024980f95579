/**
 * Calibration of one layer after another on the original model, whose statistics are held no longer than the layer is at hand.
 *
 * @module
 */
import { pause } from "../event_loop.ts";
import type { InputStats } from "../learn/input_stats.ts";
import { linearNames } from "../model/decoder/layout.ts";
import type { Source } from "../model/source.ts";
import { resumePass, type Sample, sampleOf, type SampleOptions, sumsOfLayer } from "./calibrate.ts";
import { meansOf } from "./input_sums.ts";
import type { LayerPass } from "./layer_pass.ts";
import type { Store } from "./store.ts";

/** The name of its pass in a store. */
const PASS = "layers";

/** Statistics of Linears in the model's order, for methods whose E[x xᵀ] of all layers would fill the disk. */
export class LayerCalibration {
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

  /** Begins, or resumes before the layer that a store's pass was at. */
  static async open(source: Source, store: Store, options: SampleOptions): Promise<LayerCalibration> {
    const sample = sampleOf(source, options);
    const pass = await resumePass(source, store, { sample, name: PASS });
    return new LayerCalibration(source, { store, sample, pass });
  }

  /** Statistics of the input of a layer's Linear; layers come in order, and what was known of those before is dropped. */
  async stats(linear: string, layer: number): Promise<InputStats | undefined> {
    const [pass, source] = [this.#pass, this.#source];
    while (pass.layer <= layer) {
      this.#known = new Map();
      // The state before the layer: a process that resumes it must see its inputs again.
      this.#store.set("pass", PASS, pass.state);
      using part = source.part(pass.layer);
      if (pass.layer < layer) await pass.advance(part);
      else {
        const linears = linearNames(source.layout, layer);
        this.#known = meansOf(await sumsOfLayer(source, { pass, part, sample: this.#sample, linears }));
      }
      await pause(this.#sample.signal);
    }
    return this.#known.get(linear);
  }
}
