/**
 * Calibration of one Linear after another, each on the model whose earlier Linears are quantized.
 *
 * @module
 */
import { pause } from "../event_loop.ts";
import type { InputStats } from "../learn/input_stats.ts";
import type { Source } from "../model/source.ts";
import {
  resumePass,
  sampleOf,
  type SampleOptions,
  type StatsOfLayer,
  sumsOfEveryToken,
} from "./calibrate.ts";
import { doneOfLayer } from "./done_layer.ts";
import { meansOf, SumCollector } from "./input_sums.ts";
import type { Store } from "./store.ts";

/** The name of its pass in a store. */
const PASS = "sequential";

/**
 * Statistics of Linears in the model's order, if the store has all Linears before each. The sample stands before the layer of the
 * one asked for last; begins, or resumes where a store's pass is.
 */
export async function sequentialStats(
  source: Source,
  store: Store,
  options: SampleOptions,
): Promise<StatsOfLayer> {
  const sample = sampleOf(source, options);
  const pass = await resumePass(source, store, { sample, name: PASS });
  const load = (layer: number) => source.part(layer, doneOfLayer(source, store, { layer }));
  let known: ReadonlyMap<string, InputStats> = new Map();
  return async (linear, layer) => {
    while (pass.layer < layer) {
      using part = load(pass.layer);
      await pass.advance(part);
      store.set("pass", PASS, pass.state);
      await pause(sample.signal);
    }
    // Linears that share an input are calibrated together: nothing that they see has changed in between.
    if (!known.has(linear)) {
      using sums = new SumCollector(source.backend, sample);
      using part = load(layer);
      await pass.observe(part, async (linears, input, piece) => {
        if (!linears.includes(linear)) return;
        await sums.add(linears, input, sample.partOf(piece));
        return "stop";
      });
      const seen = await sums.sums();
      known = meansOf(
        seen.size > 0 ? seen : await sumsOfEveryToken(source, { pass, part, sample, linears: [linear] }),
      );
    }
    return known.get(linear);
  };
}
