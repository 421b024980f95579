/**
 * AWQ (Lin and others 2023): before a model is quantized, columns that large inputs meet are made larger, and what gives these
 * inputs smaller, which changes nothing else; then outliers of weights are clipped where that helps.
 *
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { interruptible, pause } from "../event_loop.ts";
import { OptionError } from "../errors.ts";
import type { InputStats } from "../learn/input_stats.ts";
import { quantize, resolveGroupSize } from "../learn/quantize.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { dequantize, isPacked } from "../matrix/packed_matrix.ts";
import { linearNames } from "../model/decoder/layout.ts";
import type { Model } from "../model/model.ts";
import type { Source } from "../model/source.ts";
import type { SampleOptions } from "./calibrate.ts";
import { layeredStats } from "./layer_calibration.ts";
import { type FormatChoice, parseChoice } from "./plan.ts";
import { denseWeights, learningOf, type LearningOptions } from "./quantize_linear.ts";
import { clampedTo, type GroupLimits, groupOf, scaledColumns } from "./scaled_input.ts";
import { ScaledSource } from "./scaled_source.ts";
import { MemoryStore, type Store } from "./store.ts";

/** Options of {@linkcode awq}. */
export interface AwqOptions
  extends Omit<LearningOptions, "method">, Pick<SampleOptions, "text" | "maxTokens" | "signal"> {
  /** The format that the model is made ready for. */
  format: string;
  /** Columns that share a scale, or "row"; the format's own when absent. */
  groupSize?: number | "row";
  /** Clip weights too; true when absent. Clipping changes what the model computes, as little as the sample can tell. */
  clip?: boolean;
  /** Is told of each input done. */
  onProgress?: (done: number, total: number) => void;
}

/** Powers of the mean input that are tried: 0, 1/20 … 19/20. */
const POWERS = 20;

/** Parts of a group's largest weight that are tried: 1, 19/20 … 11/20. */
const CLIPS = 10;

/** The factors of columns for a power of their mean input, as AWQ's code has them. */
export function scalesOf(meanAbs: ArrayLike<number>, power: number): Float64Array {
  const scales = Float64Array.from(meanAbs, (value) => Math.max(value ** power, 1e-4));
  const middle = Math.sqrt(scales.reduce((a, b) => Math.max(a, b)) * scales.reduce((a, b) => Math.min(a, b)));
  return scales.map((value) => value / middle);
}

/**
 * Makes a model ready to be quantized to a format. For each input the scales are those of 20 powers of mean |x| with the least
 * squared error of the outputs of the Linears that take it, which is the paper's block's output for `o_proj` and `down_proj`;
 * for the others the paper looks behind attention and activation. Then each group of weights is clipped to the part of its
 * largest one, from 1 down to 0.55, with the least error; not in what gives queries or keys.
 *
 * @returns a new model of dense weights, which computes what the given one does, but for clipping.
 * @throws {OptionError} when a Linear is quantized already, or an option is out of range.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { loadModel, quantizeModel } from "any4";
 * import { awq } from "any4/quantize";
 * using model = await loadModel("tinyworld");
 * using ready = await awq(model, { format: "int3", text: "Once upon a time, a girl lived in a village." });
 * using small = await quantizeModel(ready, { format: "int3" });
 * assert(small.bitsPerWeight < 4);
 * ```
 */
export function awq(model: Model, options: AwqOptions): Promise<Model> {
  return interruptible(() => transform(model, options));
}

async function transform(model: Model, options: AwqOptions): Promise<Model> {
  const choice = parseChoice(options.format, options.groupSize);
  const choices = new Map(linearNames(model.layout).map((linear) => [linear, choice]));
  const scaled = await scaleInputs(model, new MemoryStore(), { ...options, choices });
  return model.with({ tensors: new Map([...model.tensors, ...scaled.changed()]) });
}

/**
 * {@linkcode awq} of a model of which a layer at a time is in memory, for Linears that get formats of their own: a store keeps
 * what is found. An input that no Linear with a format takes stays as it is.
 *
 * @returns the model, scaled.
 */
export async function scaleInputs(
  source: Source,
  store: Store,
  options: SampleOptions & LearningOptions & Pick<AwqOptions, "clip" | "onProgress"> & {
    choices: ReadonlyMap<string, FormatChoice>;
  },
): Promise<ScaledSource> {
  const { clip = true, choices, onProgress, signal } = options;
  const scaled = new ScaledSource(source, store);
  const statsOf = await layeredStats(source, store, { ...options, gram: true, pass: "awq" });
  const { folds } = scaled;
  for (const [i, { takers, givers, layer, rowOf, unclipped }] of folds.entries()) {
    const some = takers.some(({ name }) => choices.has(name));
    if (some && !store.has("scaled", String(i))) {
      for (const { place: { name } } of givers) {
        const giver = source.tensor(name);
        if (giver && isPacked(giver)) {
          throw new OptionError(`Cannot scale ${name}: it is ${giver.format} already`);
        }
      }
      const matrices = takers.map(({ name }) => {
        const matrix = denseWeights(scaled.weights(name), name);
        const choice = choices.get(name);
        return { name, matrix, how: choice && { ...learningOf(options), ...choice } };
      });
      const stats = await statsOf(takers[0]!.name, layer);
      if (!stats) throw new OptionError(`Cannot scale the input of ${takers[0]!.name}: it was not seen`);
      const search = new AwqSearch(source.backend, stats);
      const scales = await search.scales(matrices, rowOf);
      const limits = new Map<string, GroupLimits>();
      for (const { name, matrix, how } of matrices) {
        if (!clip || !how || unclipped.includes(name)) continue;
        limits.set(
          `${name}.weight`,
          await search.limits({ matrix: scaledColumns(matrix, scales), how }, scales),
        );
      }
      store.set("scaled", String(i), { scales, limits });
    }
    onProgress?.(i + 1, folds.length);
    await pause(signal);
  }
  return scaled;
}

/** A matrix that takes an input, and how it is to be quantized. */
interface Taker {
  readonly matrix: Matrix;
  readonly how: Omit<LearningOptions, "method"> & FormatChoice;
}

/** The search for one input's scales, and for where its takers are clipped. */
export class AwqSearch {
  readonly #backend: Backend;
  readonly #stats: InputStats;

  /** @param stats statistics of the input, with `gram`. */
  constructor(backend: Backend, stats: InputStats) {
    this.#backend = backend;
    this.#stats = stats;
  }

  /**
   * The scales of least error; columns that come from one row have one.
   *
   * @param takers those that take the input; those that are not quantized have no say.
   * @param rowOf [cols] the row that gives each column.
   */
  async scales(
    takers: readonly (Pick<Taker, "matrix"> & Partial<Taker>)[],
    rowOf: Uint32Array,
  ): Promise<Float64Array> {
    const meanAbs = sharedMeans(this.#stats.meanAbs, rowOf);
    let [best, least] = [scalesOf(meanAbs, 0), Infinity];
    for (let i = 0; i < POWERS; i++) {
      const scales = scalesOf(meanAbs, i / POWERS);
      let error = 0;
      for (const { matrix, how } of takers) {
        if (!how) continue;
        const { rows, cols, data } = matrix;
        const rounded = this.#rounded({ matrix: scaledColumns(matrix, scales), how }, scales);
        const differences = rounded.map((w, at) => w / scales[at % cols]! - data[at]!);
        const errors = await this.#errors({ rows, cols, data: differences }, this.#stats.gram!);
        for (const value of errors) error += value;
      }
      if (error < least) [best, least] = [scales, error];
    }
    return best;
  }

  /** The parts of a scaled matrix's groups to which they are clipped: where their own part of the output has the least error. */
  async limits({ matrix, how }: Taker, scales: Float64Array): Promise<GroupLimits> {
    const { rows, cols, data } = matrix;
    const groupSize = resolveGroupSize(how.format, { groupSize: how.groupSize, cols });
    const groups = rows * Math.ceil(cols / groupSize);
    const group = (at: number) => groupOf(at, { cols, groupSize });
    const most = new Float64Array(groups);
    data.forEach((w, at) => most[group(at)] = Math.max(most[group(at)]!, Math.abs(w)));
    const least = new Float64Array(groups).fill(Infinity);
    const best = new Float32Array(groups);
    for (let i = 0; i < CLIPS; i++) {
      const values = Float32Array.from(most, (largest) => largest * (1 - i / (2 * CLIPS)));
      const clipped = clampedTo(matrix, { groupSize, values });
      const after = this.#rounded({ matrix: clipped, how }, scales);
      const differences = after.map((w, at) => (w - data[at]!) / scales[at % cols]!);
      const errors = new Float64Array(groups);
      // Groups are taken by themselves: only the blocks on the diagonal count.
      for (let from = 0; from < cols; from += groupSize) {
        const width = Math.min(groupSize, cols - from);
        const place = (at: number) => Math.floor(at / width) * cols + from + at % width;
        const part = (rows: number, of: Float32Array) =>
          new Float32Array(rows * width).map((_, at) => of[place(at)]!);
        const block = part(width, this.#stats.gram!.subarray(from * cols));
        const products = await this.#errors({ rows, cols: width, data: part(rows, differences) }, block);
        products.forEach((value, at) => errors[group(place(at))]! += value);
      }
      errors.forEach((error, g) => {
        if (error < least[g]!) [least[g], best[g]] = [error, values[g]!];
      });
    }
    return { groupSize, values: best };
  }

  /** What rounding makes of a matrix whose columns were multiplied by scales. */
  #rounded({ matrix, how }: Taker, scales: Float64Array): Float32Array {
    const { meanSquare, meanAbs, mean, tokens } = this.#stats;
    const stats = {
      tokens,
      mean: mean.map((value, c) => value / scales[c]!),
      meanAbs: meanAbs.map((value, c) => value / scales[c]!),
      meanSquare: meanSquare.map((value, c) => value / scales[c]! ** 2),
    };
    return dequantize(quantize(matrix, { ...how, method: "kmeans", stats, steps: this.#backend.steps }));
  }

  /** d · (H d) of each weight, [rows, cols]: their sum is the squared error of the outputs. */
  async #errors({ rows, cols, data }: Matrix, hessian: Float32Array): Promise<Float32Array> {
    const backend = this.#backend;
    const weight = { rows: cols, cols, data: hessian };
    const [x, out] = [backend.tensor(rows, cols), backend.tensor(rows, cols)];
    backend.write(x, data);
    backend.linear(out, x, { weight: backend.weight(weight) });
    const products = await backend.read(out);
    backend.forget?.(weight);
    backend.free?.(x);
    backend.free?.(out);
    for (let at = 0; at < products.length; at++) products[at]! *= data[at]!;
    return products;
  }
}

/** Means over the columns that come from one row, for each column. */
function sharedMeans(values: Float64Array, rowOf: Uint32Array): Float64Array {
  const sums = new Map<number, { sum: number; count: number }>();
  values.forEach((value, c) => {
    const entry = sums.get(rowOf[c]!) ?? { sum: 0, count: 0 };
    sums.set(rowOf[c]!, { sum: entry.sum + value, count: entry.count + 1 });
  });
  return values.map((_, c) => {
    const { sum, count } = sums.get(rowOf[c]!)!;
    return sum / count;
  });
}
