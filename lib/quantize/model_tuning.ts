/**
 * Tuning of all layers together, once they are quantized.
 *
 * @module
 */
import { pause } from "../event_loop.ts";
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { linearNames } from "../model/decoder/layout.ts";
import type { Source } from "../model/source.ts";
import { tuneModel } from "../tune/tune_model.ts";
import { type SampleOptions, sumsOfLayer } from "./calibrate.ts";
import { doneOfLayer } from "./done_layer.ts";
import { meansOf } from "./input_sums.ts";
import { LayerPass } from "./layer_pass.ts";
import { denseWeights } from "./quantize_linear.ts";
import type { Store } from "./store.ts";
import type { Tuning } from "./tuning_options.ts";
import { examplesOf, keepTuned, piecesOf, untuned } from "./tuning_text.ts";

/**
 * Tunes a model of which a store has all Linears, and keeps what has changed. Resumes behind the last step that the store has.
 *
 * @param options.onStep is told of each step.
 * @throws {OptionError} when an option is out of range, a layer has experts, or there is no text.
 */
export async function tuneWhole(
  source: Source,
  store: Store,
  options: Tuning & Pick<SampleOptions, "signal"> & { onStep?: (done: number, steps: number) => void },
): Promise<void> {
  const { signal } = options;
  const sample = { pieces: piecesOf(source, options), partOf: () => 0, signal };
  const pass = await LayerPass.begin(source, sample);
  const { hidden } = pass.state;
  const meanSquares = new Map<string, Float64Array>();
  const done = new Map<string, Matrix | PackedMatrix>();
  for (const layer of source.layout.layers.keys()) {
    using part = source.part(layer);
    const linears = linearNames(source.layout, layer);
    const stats = meansOf(await sumsOfLayer(source, { pass, part, sample, linears }));
    for (const [linear, { meanSquare }] of stats) meanSquares.set(linear, meanSquare);
    for (const [name, tensor] of doneOfLayer(source, store, { layer })) done.set(name, tensor);
    await pause(signal);
  }
  const { tensors } = await tuneModel(source, {
    ...options,
    tensor: (name) => done.get(name) ?? untuned(source, name),
    original: (name) => denseWeights(source.tensor(name)!, name).data,
    examples: examplesOf(source, sample.pieces, { inputs: hidden, targets: pass.state.hidden }),
    state: store.get("descent", "model"),
    onState: (state) => store.set("descent", "model", state),
  });
  keepTuned(source, store, { tensors, meanSquare: (linear) => meanSquares.get(linear) });
}
