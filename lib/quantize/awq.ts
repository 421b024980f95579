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
import { quantize, type QuantizeOptions, resolveGroupSize } from "../learn/quantize.ts";
import { formatOf } from "../formats/formats.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { dequantize, isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";
import { type Fold, foldsOf } from "../model/decoder/folds.ts";
import type { Model } from "../model/model.ts";
import type { SampleOptions } from "./calibrate.ts";
import { LayerCalibration } from "./layer_calibration.ts";
import { denseWeights } from "./quantize_linear.ts";
import { MemoryStore } from "./store.ts";

/** Options of {@linkcode awq}. */
export interface AwqOptions
  extends
    Pick<QuantizeOptions, "groupSize" | "weighting" | "codebook" | "codebookType" | "scaleType">,
    Pick<SampleOptions, "text" | "maxTokens"> {
  /** The format that the model is made ready for. */
  format: string;
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
  const { clip = true, onProgress } = options;
  const tensors = new Map(model.tensors);
  const calibration = await LayerCalibration.open(model, new MemoryStore(), { ...options, gram: true });
  const folds = foldsOf(model.layout, model.config);
  for (const [done, fold] of folds.entries()) {
    const takers = fold.takers.map(({ name, weight }) => ({
      name,
      tensor: weight.name,
      matrix: denseWeights(tensors.get(weight.name)!, name),
    }));
    const stats = await calibration.stats(takers[0]!.name, fold.layer);
    if (!stats) throw new OptionError(`Cannot scale the input of ${takers[0]!.name}: it was not seen`);
    const search = new AwqSearch(model.backend, { stats, options });
    const scales = await search.scales(takers.map(({ matrix }) => matrix), fold.rowOf);
    for (const { name, tensor, matrix } of takers) {
      const scaled = scaledColumns(matrix, scales);
      const clips = clip && !fold.unclipped.includes(name);
      tensors.set(tensor, clips ? await search.clipped(scaled, scales) : scaled);
    }
    divideGivers(tensors, fold, scales);
    onProgress?.(done + 1, folds.length);
    await pause();
  }
  return model.with({ tensors });
}

/** Divides what gives an input by the scales of its columns. */
function divideGivers(
  tensors: Map<string, Matrix | PackedMatrix>,
  { givers, rowOf }: Fold,
  scales: Float64Array,
): void {
  const byRow = new Map(Array.from(rowOf, (row, c) => [row, scales[c]!]));
  for (const { place, offset, from } of givers) {
    const tensor = tensors.get(place.name);
    if (!tensor) continue;
    if (isPacked(tensor)) throw new OptionError(`Cannot scale ${place.name}: it is ${tensor.format} already`);
    const data = Float32Array.from(tensor.data);
    const width = place.vector ? 1 : tensor.cols;
    for (const [row, scale] of byRow) {
      for (let i = (from + row) * width; i < (from + row + 1) * width; i++) {
        data[i] = (data[i]! + offset) / scale - offset;
      }
    }
    tensors.set(place.name, { rows: tensor.rows, cols: tensor.cols, data });
  }
}

/** A matrix whose columns are multiplied by scales. */
function scaledColumns({ rows, cols, data }: Matrix, scales: Float64Array): Matrix {
  const scaled = new Float32Array(rows * cols);
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++, at++) scaled[at] = data[at]! * scales[c]!;
  }
  return { rows, cols, data: scaled };
}

/** The search for one input's scales, and for where its takers are clipped. */
export class AwqSearch {
  readonly #backend: Backend;
  readonly #stats: InputStats;
  readonly #options: AwqOptions;

  /** @param means statistics of the input, with `gram`, and the options of {@linkcode awq}. */
  constructor(backend: Backend, means: { stats: InputStats; options: AwqOptions }) {
    this.#backend = backend;
    this.#stats = means.stats;
    this.#options = means.options;
  }

  /**
   * The scales of least error; columns that come from one row have one.
   *
   * @param matrices those that take the input.
   * @param rowOf [cols] the row that gives each column.
   */
  async scales(matrices: readonly Matrix[], rowOf: Uint32Array): Promise<Float64Array> {
    const meanAbs = sharedMeans(this.#stats.meanAbs, rowOf);
    let [best, least] = [scalesOf(meanAbs, 0), Infinity];
    for (let i = 0; i < POWERS; i++) {
      const scales = scalesOf(meanAbs, i / POWERS);
      let error = 0;
      for (const matrix of matrices) {
        const { rows, cols, data } = matrix;
        const differences = this.#rounded(scaledColumns(matrix, scales), scales);
        for (let r = 0, at = 0; r < rows; r++) {
          for (let c = 0; c < cols; c++, at++) differences[at] = differences[at]! / scales[c]! - data[at]!;
        }
        const errors = await this.#errors({ rows, cols, data: differences }, this.#stats.gram!);
        for (const value of errors) error += value;
      }
      if (error < least) [best, least] = [scales, error];
    }
    return best;
  }

  /** A matrix whose groups are clipped to where their own part of the output has the least error. */
  async clipped(matrix: Matrix, scales: Float64Array): Promise<Matrix> {
    const { rows, cols, data } = matrix;
    const format = formatOf(this.#options.format);
    const groupSize = resolveGroupSize(format, { groupSize: this.#options.groupSize, cols });
    const groups = Math.ceil(cols / groupSize);
    const groupOf = (at: number) => Math.floor(at / cols) * groups + Math.floor(at % cols / groupSize);
    const most = new Float64Array(rows * groups);
    data.forEach((w, at) => most[groupOf(at)] = Math.max(most[groupOf(at)]!, Math.abs(w)));
    // Groups are taken by themselves: only the blocks on the diagonal count.
    const blocks = this.#stats.gram!.map((value, at) => {
      const [i, j] = [Math.floor(at / cols), at % cols];
      return Math.floor(i / groupSize) === Math.floor(j / groupSize) ? value / (scales[i]! * scales[j]!) : 0;
    });
    const least = new Float64Array(rows * groups).fill(Infinity);
    const limits = new Float64Array(rows * groups);
    for (let i = 0; i < CLIPS; i++) {
      const limit = (at: number) => most[groupOf(at)]! * (1 - i / (2 * CLIPS));
      const clipped = clampedTo(matrix, limit);
      const after = this.#rounded(clipped, scales);
      const products = await this.#errors({ rows, cols, data: after.map((w, at) => w - data[at]!) }, blocks);
      const errors = new Float64Array(rows * groups);
      products.forEach((value, at) => errors[groupOf(at)]! += value);
      errors.forEach((error, g) => {
        if (!(error < least[g]!)) return;
        least[g] = error;
        limits[g] = most[g]! * (1 - i / (2 * CLIPS));
      });
    }
    return clampedTo(matrix, (at) => limits[groupOf(at)]!);
  }

  /** What rounding makes of a matrix whose columns were multiplied by scales. */
  #rounded(matrix: Matrix, scales: Float64Array): Float32Array {
    const { format, groupSize, weighting, codebook, codebookType, scaleType } = this.#options;
    const { meanSquare, meanAbs, mean, tokens } = this.#stats;
    const stats = {
      tokens,
      mean: mean.map((value, c) => value / scales[c]!),
      meanAbs: meanAbs.map((value, c) => value / scales[c]!),
      meanSquare: meanSquare.map((value, c) => value / scales[c]! ** 2),
    };
    const { steps } = this.#backend;
    const layout = { format, groupSize, codebook, codebookType, scaleType };
    return dequantize(quantize(matrix, { ...layout, weighting, stats, steps }));
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

/** A matrix with each weight brought to at most its limit. */
function clampedTo({ rows, cols, data }: Matrix, limit: (at: number) => number): Matrix {
  return { rows, cols, data: data.map((w, at) => Math.max(-limit(at), Math.min(limit(at), w))) };
}
