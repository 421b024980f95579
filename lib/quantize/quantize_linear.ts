/**
 * One Linear from dense to packed, and what that does to its output.
 *
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { OptionError } from "../errors.ts";
import type { InputStats } from "../learn/input_stats.ts";
import { needsOf } from "../learn/methods/mod.ts";
import { quantize, type QuantizeOptions } from "../learn/quantize.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { dequantizeRows, isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";
import type { FormatChoice } from "./plan.ts";

/** Options of choosing and storing codebooks and codes, for all Linears whose {@linkcode FormatChoice} says nothing else. */
export type LearningOptions = Pick<
  QuantizeOptions,
  "codebook" | "codebookType" | "method" | "outliers" | "weighting" | "scaleType"
>;

/**
 * Quantizes a Linear, on the backend's threads where it can.
 *
 * @throws {OptionError} when it is packed already, or statistics are needed and absent.
 * @throws {TensorError} when a weight is NaN or infinite.
 */
export function quantizeLinear(
  weights: Matrix | PackedMatrix,
  options: LearningOptions & {
    backend: Backend;
    linear: string;
    choice: FormatChoice;
    stats?: InputStats;
  },
): PackedMatrix {
  const { backend, linear, choice, stats, ...learning } = options;
  if (needsOf(choice.format, learning) !== "nothing" && !stats) {
    throw new OptionError(`Cannot quantize ${linear}: the calibration has no statistics of it`);
  }
  const dense = denseWeights(weights, linear);
  const name = `${linear}.weight`;
  return quantize(dense, { ...learning, ...choice, stats, steps: backend.steps, name });
}

/** A Linear that is quantized. */
export interface DoneLinear {
  /** The Linear. */
  readonly packed: PackedMatrix;
  /** The part of its output that became noise, if it was measured. */
  readonly error?: number;
}

/** The options of a model that all its Linears share. */
export function learningOf(options: LearningOptions): LearningOptions {
  const { method, weighting, codebook, codebookType, scaleType, outliers } = options;
  return { method, weighting, codebook, codebookType, scaleType, outliers };
}

/** The options of a head or an embedding: it is learned from its weights alone. */
export function endLearningOf(options: LearningOptions): LearningOptions {
  return { ...learningOf(options), method: undefined, weighting: "none" };
}

/**
 * Quantizes a Linear and says what that does to its output: a unit of work, which depends on nothing but what it is given.
 *
 * @throws {OptionError} when it is packed already, or statistics are needed and absent.
 * @throws {TensorError} when a weight is NaN or infinite.
 */
export function solveLinear(
  weights: Matrix | PackedMatrix,
  options: Parameters<typeof quantizeLinear>[1],
): DoneLinear {
  const dense = denseWeights(weights, options.linear);
  const packed = quantizeLinear(dense, options);
  return { packed, error: noiseToSignal(dense, packed, options.stats?.meanSquare) };
}

/**
 * A Linear's weights, widened once, however often their values are looked at.
 *
 * @throws {OptionError} when they are packed.
 */
export function denseWeights(weights: Matrix | PackedMatrix, linear: string): Matrix {
  if (isPacked(weights)) throw new OptionError(`Cannot quantize ${linear}: it is ${weights.format} already`);
  const { rows, cols, data, dtype } = weights;
  return { rows, cols, data, dtype };
}

/** Rows that are compared at a time. */
const ROWS = 32;

/**
 * The part of a Linear's output that quantization turns into noise: Σ E[x_c²] (w − ŵ)² / Σ E[x_c²] w² over all weights, the
 * expected squared error over the expected square, columns taken as independent. 0 where all weights are 0.
 *
 * @param meanSquare [cols] E[x²]; all 1 when absent.
 */
export function noiseToSignal(weights: Matrix, packed: PackedMatrix, meanSquare?: Float64Array): number {
  const { rows, cols, data } = weights;
  const block = new Float32Array(Math.min(rows, ROWS) * cols);
  const codes = new Uint8Array(cols);
  let [error, signal] = [0, 0];
  for (let from = 0; from < rows; from += ROWS) {
    const to = Math.min(from + ROWS, rows);
    dequantizeRows(packed, { from, to, codes }, block);
    for (let r = from; r < to; r++) {
      const [at, other] = [r * cols, (r - from) * cols];
      for (let c = 0; c < cols; c++) {
        const importance = meanSquare ? meanSquare[c]! : 1;
        const value = data[at + c]!;
        const difference = value - block[other + c]!;
        error += importance * difference * difference;
        signal += importance * value * value;
      }
    }
  }
  return signal === 0 ? 0 : error / signal;
}
