/**
 * One matrix from dense to packed: scale its groups, choose its table, round to it, pack.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import { formatOf } from "../formats/mod.ts";
import { checkFinite } from "../matrix/finite.ts";
import { checkMatrix, type Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import type { LloydOptions } from "./lloyd.ts";
import { plainSteps, type QuantizeSteps } from "./quantize_steps.ts";
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
  return quantizeBy(plainSteps, { matrix, options });
}

/** {@linkcode quantize} with the steps done by somebody else. */
export function quantizeBy(
  steps: QuantizeSteps,
  { matrix: given, options }: { matrix: Matrix; options: QuantizeOptions },
): PackedMatrix {
  // Its data may be made anew at each look.
  const matrix: Matrix = { rows: given.rows, cols: given.cols, data: given.data };
  const format = formatOf(options.format);
  const name = options.name ?? "matrix";
  checkMatrix(matrix, name);
  checkFinite(matrix.data, { tensor: name, cols: matrix.cols });
  const { rows, cols } = matrix;
  const { bits, scaling } = format;
  const groupSize = resolveGroupSize(format, { groupSize: options.groupSize, cols });
  if (options.columnWeights) checkColumnWeights(options.columnWeights, cols, name);
  const { scales, zeros, type } = scaleGroups(matrix, { scaling, groupSize, type: options.scaleType });
  const scaled = { matrix, groupSize, scales, zeros };
  const learnedType = options.scaleType ?? "f16";
  const codebook = format.values?.(groupSize) ?? steps.learn(scaled, {
    bits,
    codebook: options.codebook ?? "row",
    columnWeights: options.columnWeights,
    scalePower: options.scalePower ?? 2,
    learner: options.learner ?? "exact",
    type: learnedType,
  });
  return {
    format: format.name,
    bits,
    rows,
    cols,
    groupSize,
    codes: steps.round(scaled, { codebook, bits }),
    scales,
    zeros,
    codebook,
    scaleType: type,
    codebookType: format.values ? "fixed" : learnedType,
  };
}
