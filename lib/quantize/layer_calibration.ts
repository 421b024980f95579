/**
 * Calibration of one layer after another on the original model, whose statistics are held no longer than the layer is at hand.
 *
 * @module
 */
import { pause } from "../event_loop.ts";
import type { InputStats } from "../learn/input_stats.ts";
import { linearNames } from "../model/decoder/layout.ts";
import type { Source } from "../model/source.ts";
import { resumePass, sampleOf, type SampleOptions, type StatsOfLayer, sumsOfLayer } from "./calibrate.ts";
import { meansOf } from "./input_sums.ts";
import type { Store } from "./store.ts";

/**
 * Statistics of Linears in the model's order, for methods whose E[x xᵀ] of all layers would fill the disk: layers come in order,
 * and what was known of those before is dropped. Begins, or resumes before the layer that a store's pass was at.
 *
 * @param options.pass the name of the pass in the store; "layers" when absent.
 */
export async function layeredStats(
  source: Source,
  store: Store,
  { pass: name = "layers", ...options }: SampleOptions & { pass?: string },
): Promise<StatsOfLayer> {
  const sample = sampleOf(source, options);
  const pass = await resumePass(source, store, { sample, name });
  let known: ReadonlyMap<string, InputStats> = new Map();
  return async (linear, layer) => {
    while (pass.layer <= layer) {
      known = new Map();
      // The state before the layer: a process that resumes it must see its inputs again.
      store.set("pass", name, pass.state);
      using part = source.part(pass.layer);
      if (pass.layer < layer) await pass.advance(part);
      else {
        const linears = linearNames(source.layout, layer);
        known = meansOf(await sumsOfLayer(source, { pass, part, sample, linears }));
      }
      await pause(sample.signal);
    }
    return known.get(linear);
  };
}
