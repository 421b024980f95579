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
import { plainSteps, type QuantizeSteps } from "../learn/quantize_steps.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { dequantizeRows, isPacked } from "../matrix/packed_matrix.ts";
import { linearNames } from "../model/decoder/layout.ts";
import type { Model } from "../model/model.ts";
import type { Source } from "../model/source.ts";
import type { SampleOptions } from "./calibrate.ts";
import { layeredStats } from "./layer_calibration.ts";
import { type FormatChoice, parseChoice } from "./plan.ts";
import { denseWeights, learningOf, type LearningOptions } from "./quantize_linear.ts";
import { clampedTo, eachGroup, type GroupLimits, scaledColumns } from "./scaled_input.ts";
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

/** Rows whose errors are found at a time, at least, and parts of a matrix. */
const LEAST_ROWS = 64, PARTS = 8;

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
  readonly #steps: QuantizeSteps;
  readonly #stats: InputStats;

  /** @param stats statistics of the input, with `gram`. */
  constructor(backend: Pick<Backend, "steps">, stats: InputStats) {
    this.#steps = backend.steps ?? plainSteps;
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
    const cols = rowOf.length;
    using errors = this.#steps.squaredErrors(this.#stats.gram!, cols);
    let [best, least] = [scalesOf(meanAbs, 0), Infinity];
    for (let i = 0; i < POWERS; i++) {
      const scales = scalesOf(meanAbs, i / POWERS);
      let error = 0;
      for (const { matrix, how } of takers) {
        if (!how || error >= least) continue;
        for (const { part } of this.#differences({ matrix: scaledColumns(matrix, scales), how }, scales)) {
          // No row has an error below 0: what is as bad as the best already stays so.
          if (error >= least) break;
          for (const value of errors.of(part)) error += value;
        }
      }
      if (error < least) [best, least] = [scales, error];
      await pause();
    }
    return best;
  }

  /** The parts of a scaled matrix's groups to which they are clipped: where their own part of the output has the least error. */
  async limits({ matrix, how }: Taker, scales: Float64Array): Promise<GroupLimits> {
    const { cols, data } = matrix;
    const groupSize = resolveGroupSize(how.format, { groupSize: how.groupSize, cols });
    using errors = this.#steps.squaredErrors(this.#stats.gram!, groupSize);
    const most: number[] = [];
    eachGroup(matrix, groupSize, (g, from, to) => {
      most[g] = 0;
      for (let at = from; at < to; at++) most[g] = Math.max(most[g]!, Math.abs(data[at]!));
    });
    const least = new Float64Array(most.length).fill(Infinity);
    const best = new Float32Array(most.length);
    for (let i = 0; i < CLIPS; i++) {
      const values = Float32Array.from(most, (largest) => largest * (1 - i / (2 * CLIPS)));
      const clipped = { matrix: clampedTo(matrix, { groupSize, values }), how, before: matrix };
      for (const { row, part } of this.#differences(clipped, scales)) {
        let g = row * Math.ceil(cols / groupSize);
        for (const error of errors.of(part)) {
          if (error < least[g]!) [least[g], best[g]] = [error, values[g]!];
          g++;
        }
      }
      await pause();
    }
    return { groupSize, values: best };
  }

  /** What rounding changes in the weights of a scaled matrix, or of what it was before, some rows at a time from a row on. */
  *#differences({ matrix, how, before = matrix }: Taker & { before?: Matrix }, scales: Float64Array) {
    const divided = (value: number, c: number) => value / scales[c]!;
    const [mean, meanAbs] = [this.#stats.mean.map(divided), this.#stats.meanAbs.map(divided)];
    const meanSquare = this.#stats.meanSquare.map(divided).map(divided);
    const stats = { tokens: this.#stats.tokens, mean, meanAbs, meanSquare };
    const packed = quantize(matrix, { ...how, method: "kmeans", stats, steps: this.#steps });
    const [{ rows, cols }, { data: was }] = [matrix, before];
    const step = Math.max(LEAST_ROWS, Math.ceil(rows / PARTS));
    for (let row = 0; row < rows; row += step) {
      const to = Math.min(row + step, rows);
      const data = new Float32Array((to - row) * cols);
      dequantizeRows(packed, { from: row, to }, data);
      for (let i = 0, at = row * cols; i < data.length;) {
        for (let c = 0; c < cols; c++, i++, at++) data[i] = (data[i]! - was[at]!) / scales[c]!;
      }
      yield { row, part: { rows: to - row, cols, data } };
    }
  }
}

/** Means over the columns that come from one row, for each column. */
function sharedMeans(values: Float64Array, rowOf: Uint32Array): Float64Array {
  const columns = Map.groupBy(rowOf.keys(), (c) => rowOf[c]!);
  return values.map((_, c) => {
    const own = columns.get(rowOf[c]!)!;
    return own.reduce((sum, other) => sum + values[other]!, 0) / own.length;
  });
}
