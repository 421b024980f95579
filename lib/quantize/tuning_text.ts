/**
 * The text that a model is tuned on, and what comes of tuning.
 *
 * @module
 */
import type { Matrix } from "../matrix/matrix.ts";
import { dequantize, isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";
import type { Source } from "../model/source.ts";
import { checkLayer } from "../tune/block.ts";
import type { Example } from "../tune/examples.ts";
import { checkGradients } from "../tune/recorder.ts";
import { sampleOf } from "./calibrate.ts";
import { denseWeights, noiseToSignal } from "./quantize_linear.ts";
import type { Store } from "./store.ts";
import type { TuningText } from "./tuning_options.ts";

/**
 * The sequences of a text.
 *
 * @throws {OptionError} when there is no text.
 */
export function piecesOf(source: Source, { text, window = 256 }: TuningText): number[][] {
  const pieces: number[][] = [];
  for (const piece of sampleOf(source, { text, gram: true }).pieces) {
    for (let from = 0; from < piece.length; from += window) pieces.push(piece.slice(from, from + window));
  }
  return pieces;
}

/**
 * Checks that a model can be tuned, before anything is done.
 *
 * @throws {OptionError} when a layer has experts, or the backend no gradients.
 */
export function checkTunable({ backend, layout }: Source): void {
  checkGradients(backend);
  for (const layer of layout.layers.keys()) checkLayer(layout, layer);
}

/** A tensor that is not to be tuned: its values, also where it was packed before. */
export function untuned(source: Source, name: string): Matrix | undefined {
  const tensor = source.tensor(name);
  if (!tensor || !isPacked(tensor)) return tensor;
  return { rows: tensor.rows, cols: tensor.cols, data: dequantize(tensor) };
}

/** Sequences from what all of them together are given and give, [tokens, hidden_size] each. */
export function examplesOf(
  { config }: Source,
  pieces: readonly (readonly number[])[],
  { inputs, targets }: { inputs: Float32Array; targets: Float32Array },
): Example[] {
  let to = 0;
  return pieces.map(({ length }) => {
    const [from, end] = [to, to += length * config.hidden_size];
    return { input: inputs.subarray(from, end), target: targets.subarray(from, end) };
  });
}

/** Keeps tuned tensors, Linears with the part of their output that is noise. */
export function keepTuned(
  source: Source,
  store: Store,
  { tensors, meanSquare }: {
    tensors: ReadonlyMap<string, Matrix | PackedMatrix>;
    meanSquare: (linear: string) => Float64Array | undefined;
  },
): void {
  for (const [name, tuned] of tensors) {
    if (!isPacked(tuned)) {
      store.set("vector", name, tuned);
      continue;
    }
    const linear = name.replace(/\.weight$/, "");
    const weights = denseWeights(source.weights(linear), linear);
    store.set("tuned", linear, { packed: tuned, error: noiseToSignal(weights, tuned, meanSquare(linear)) });
  }
}
