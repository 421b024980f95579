/**
 * One matrix from dense to packed: scale its groups, choose its table, round to it, pack.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import { formatOf } from "../formats/mod.ts";
import { checkFinite, checkMatrix, type Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { packRow, wordsPerRow } from "../matrix/packing.ts";
import { ExactKMeans } from "./exact_kmeans.ts";
import type { Learner } from "./learner.ts";
import { Lloyd, type LloydOptions } from "./lloyd.ts";
import { Nearest } from "./nearest.ts";
import { scaleGroups } from "./scaling.ts";

/** How a matrix is quantized. */
export interface QuantizeOptions {
  /** A format or its name: "any4", "any3", "any2", "int4", "nf4" … */
  format: string | Format;
  /**
   * Columns that share a scale, or "row" for whole rows; 128 when absent. A size that does not divide the columns
   * leaves a shorter last group. mx4 keeps the 32 of its definition.
   */
  groupSize?: number | "row";
  /**
   * [cols] importance of each column, finite and not negative, for learned tables: E[x²] of the column's activation
   * makes the learner minimise the layer's output error. All 1 when absent.
   */
  columnWeights?: ArrayLike<number>;
  /**
   * The power of the group's scale that multiplies a column's weight. 2 (the default) measures errors in the weights'
   * own units; 1 is what the any4 reference does; 0 measures them in steps of the scale.
   */
  scalePower?: number;
  /** A table for each row (the default) or one for the whole matrix. */
  codebook?: "row" | "matrix";
  /** How tables are learned: exactly (the default), or by Lloyd's algorithm from a chosen start. */
  learner?: "exact" | LloydOptions;
  /** How scales, zeros and learned tables are stored; halves where they are precise enough when absent. */
  scaleType?: "f16" | "f32";
  /** The tensor's name, for messages. */
  name?: string;
}

/** The group size that a format uses on rows of `cols` columns. */
export function resolveGroupSize(
  format: Format,
  options: { groupSize?: number | "row"; cols: number },
): number {
  const asked = format.scaling.fixedGroupSize ?? options.groupSize ?? format.groupSize;
  if (asked !== "row" && (!Number.isSafeInteger(asked) || asked < 1)) {
    throw new OptionError(
      `Cannot group columns: group size must be a whole number of at least 1 or "row", current value is ${asked}`,
    );
  }
  return asked === "row" ? options.cols : Math.min(asked, options.cols);
}

function checkColumnWeights(weights: ArrayLike<number>, cols: number, name: string): void {
  if (weights.length !== cols) {
    throw new OptionError(
      `Cannot weigh ${name}: ${cols} columns need as many column weights, current length is ${weights.length}`,
    );
  }
  for (let c = 0; c < cols; c++) {
    const weight = weights[c]!;
    if (!(weight >= 0 && weight < Infinity)) {
      throw new OptionError(
        `Cannot weigh ${name}: column weight ${c} must be finite and not negative, current value is ${weight}`,
      );
    }
  }
}

/**
 * Quantizes one matrix (any4, algorithm 1).
 *
 * For a learned format the table of a row minimises Σ columnWeights[c] · scale^scalePower · (u − û)² over the row's
 * scaled weights u = (w − zero) / scale: with E[x²] and power 2 that is the expected squared error of the layer's
 * output, errors of different columns taken as independent.
 *
 * @param matrix [rows, cols] float32 weights, not changed.
 * @returns the packed matrix; {@linkcode dequantize} gives back its float32 values.
 * @throws {TensorError} when a weight is NaN or infinite (names tensor, row and column) or sizes disagree.
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * ```ts
 * import { dequantize, packedBitsPerWeight, quantize } from "any4";
 * const data = Float32Array.from({ length: 4 * 256 }, (_, i) => Math.sin(i * i));
 * const packed = quantize({ rows: 4, cols: 256, data }, { format: "any3", groupSize: 128 });
 * console.log(dequantize(packed).length, packedBitsPerWeight(packed)); // 1024 3.75
 * ```
 */
export function quantize(matrix: Matrix, options: QuantizeOptions): PackedMatrix {
  const format = formatOf(options.format);
  const name = options.name ?? "matrix";
  checkMatrix(matrix, name);
  checkFinite(matrix, name);
  const { rows, cols, data } = matrix;
  const { bits, scaling } = format;
  const groupSize = resolveGroupSize(format, { groupSize: options.groupSize, cols });
  if (options.columnWeights) checkColumnWeights(options.columnWeights, cols, name);
  const { scales, zeros, type } = scaleGroups(matrix, { scaling, groupSize, type: options.scaleType });

  const groups = Math.ceil(cols / groupSize);
  /** Writes the scaled weights of a row to scaled[at …]. */
  const scaleRow = (row: number, scaled: Float64Array, at: number) => {
    for (let c = 0; c < cols; c++) {
      const group = row * groups + Math.floor(c / groupSize);
      const scale = scales[group]!;
      const shifted = data[row * cols + c]! - (zeros === null ? 0 : zeros[group]!);
      scaled[at + c] = scale === 0 ? 0 : shifted / scale;
    }
  };

  const perMatrix = options.codebook === "matrix";
  const codebook = format.values?.(groupSize) ?? learnTables();
  const codes = new Uint32Array(rows * wordsPerRow(cols, bits));
  const size = 2 ** bits;
  const nearest = new Nearest(size);
  const scaled = new Float64Array(cols);
  const rowCodes = new Uint8Array(cols);
  for (let r = 0; r < rows; r++) {
    if (r === 0 || codebook.length > size) {
      nearest.load(codebook, codebook.length > size ? r * size : 0, size);
    }
    scaleRow(r, scaled, 0);
    for (let c = 0; c < cols; c++) rowCodes[c] = nearest.code(scaled[c]!);
    packRow(rowCodes, { bits, cols, row: r }, codes);
  }
  return {
    format: format.name,
    bits,
    rows,
    cols,
    groupSize,
    codes,
    scales,
    zeros,
    codebook,
    scaleType: type,
    codebookType: format.values ? "fixed" : options.scaleType ?? "f16",
  };

  function learnTables(): Float32Array {
    const k = 2 ** bits;
    const learner = makeLearner(options.learner ?? "exact", k);
    const tables = perMatrix ? 1 : rows;
    const rowsEach = rows / tables;
    const values = new Float64Array(rowsEach * cols);
    const weights = new Float64Array(rowsEach * cols);
    const centroids = new Float64Array(k);
    const learned = new Float32Array(tables * k);
    const power = options.scalePower ?? 2;
    for (let t = 0; t < tables; t++) {
      for (let i = 0; i < rowsEach; i++) {
        const r = t * rowsEach + i;
        scaleRow(r, values, i * cols);
        for (let c = 0; c < cols; c++) {
          const scale = scales[r * groups + Math.floor(c / groupSize)]!;
          weights[i * cols + c] = (options.columnWeights?.[c] ?? 1) * scale ** power;
        }
      }
      learner.fit(values, weights, centroids);
      for (let i = 0; i < k; i++) {
        const value = centroids[i]!;
        learned[t * k + i] = options.scaleType === "f32" ? value : Math.f16round(value);
      }
    }
    return learned;
  }
}

function makeLearner(learner: "exact" | LloydOptions, k: number): Learner {
  return learner === "exact" ? new ExactKMeans(k) : new Lloyd(k, learner);
}
