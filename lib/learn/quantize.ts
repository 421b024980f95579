/**
 * Quantization of one matrix: scale its groups, choose its codebook, round to it, pack.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import { formatOf } from "../formats/formats.ts";
import { checkFinite } from "../matrix/finite.ts";
import { checkMatrix, type Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import {
  checkSharing,
  type CodebookSharing,
  shareCodebooks,
  type SharedCodebooks,
} from "./codebook_sharing.ts";
import type { InputStats } from "./input_stats.ts";
import type { Method, Problem } from "./methods/method.ts";
import { methodOf, type MethodOptions } from "./methods/mod.ts";
import { checkOutliers, outliersOf, splitOutliers } from "./outliers.ts";
import { type LearnOptions, plainSteps, type QuantizeSteps } from "./quantize_steps.ts";
import { scaleGroups } from "./scaling.ts";
import { type Weighting, weightingOf } from "./weighting.ts";

/** Options of {@linkcode quantize}. */
export interface QuantizeOptions {
  /** A format or its name: "any4", "any3", "any2", "int4", "nf4" … */
  format: string | Format;
  /**
   * Columns that share a scale, or "row" for whole rows; 128 when absent. A size that does not divide the columns
   * leaves a shorter last group. mx4 keeps the 32 of its definition.
   */
  groupSize?: number | "row";
  /** The method that chooses codebooks and codes: "kmeans" (the default), "gptq", "lnq" …, one with options, or your own. */
  method?: string | MethodOptions | Method;
  /** The weighting of the error that codebooks minimise: "none", "mean", "mean-abs", "mean-square" (the default), or your own. */
  weighting?: string | Weighting;
  /** Statistics of the matrix's input; all columns have equal weight when absent. */
  stats?: InputStats;
  /**
   * Which rows share a codebook: "row", where each has its own (the default), "matrix", where one serves all, "8-rows", where
   * as many that follow one another share one, or "16-tables", where each row picks one of as many, for 8 bits a row.
   */
  codebook?: CodebookSharing;
  /**
   * The stored type of scales and zeros; by default, halves if they are precise enough. "int8" takes 9 bits or a little more of
   * each instead of 16: whole numbers times a power of two that 8 groups of a row share.
   */
  scaleType?: "f16" | "f32" | "int8";
  /**
   * The stored type of learned codebooks; "f16" when absent, or "f32" where `scaleType` is. "int8" takes half of the bits of
   * "f16": multiples of 2^(bits − 8) between 0 and 2^bits, or between ∓2^(bits − 1) where the format has no zeros; a format's
   * scaling should map groups to there.
   */
  codebookType?: "f16" | "f32" | "int8";
  /**
   * The part of all weights, from 0 to 0.05, that are kept in 16 bits beside the codes: those that cost most error by the
   * weighting. None when absent. Each costs 32 bits, so that 0.005 costs 0.16 bits a weight; they pay at 2 and 3 bits.
   */
  outliers?: number;
  /** The tensor's name, for messages. */
  name?: string;
  /** The slow steps: a backend's `steps` are faster than the plain ones, with the same bits. */
  steps?: QuantizeSteps;
}

const TYPES = ["f16", "f32", "int8"];

/** @throws {OptionError} when a stored type is none. */
function checkType(option: string, type: string | undefined): void {
  if (type !== undefined && !TYPES.includes(type)) {
    throw new OptionError(
      `Cannot quantize: ${option} must be one of ${TYPES.join(", ")}, current value is "${type}"`,
    );
  }
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

/**
 * The weight of errors in each column; undefined if all are equal.
 *
 * @throws {OptionError} when they are not one for each column, finite and not negative.
 */
function columnWeights(
  { columns }: Weighting,
  { stats, cols, name }: { stats?: InputStats; cols: number; name: string },
): ArrayLike<number> | undefined {
  if (!stats || !columns) return undefined;
  const weights = columns(stats);
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
  return weights;
}

/**
 * Checks that E[x xᵀ] is there and of the right size.
 *
 * @throws {OptionError} when it is not.
 * @throws {TensorError} when a value is NaN or infinite.
 */
function checkGram(
  method: Method,
  { stats, cols, name }: { stats?: InputStats; cols: number; name: string },
) {
  const length = stats?.gram?.length;
  if (length !== cols * cols) {
    throw new OptionError(
      `Cannot quantize ${name}: method "${method.name}" needs statistics with E[x xᵀ] of ${cols} × ${cols} values, ` +
        (length === undefined ? "there are none" : `there are ${length}`),
    );
  }
  checkFinite(stats!.gram!, { tensor: `E[x xᵀ] of ${name}`, cols });
}

/**
 * Quantizes one matrix (any4, algorithm 1).
 *
 * For a learned format, "kmeans" finds the codebook of a row that minimises Σ weight[c] · scale^power · (u − û)² over the row's
 * scaled weights u = (w − zero) / scale: with "mean-square", E[x²] and power 2, that is the expected squared error of the
 * layer's output, errors of different columns taken as independent.
 *
 * @param matrix [rows, cols] float32 weights, not changed.
 * @returns the packed matrix; {@linkcode dequantize} returns its float32 values.
 * @throws {TensorError} when a weight is NaN or infinite (names tensor, row and column) or sizes disagree.
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * ```ts
 * import { dequantize, quantize } from "any4";
 * import { packedBitsPerWeight } from "any4/learn";
 * import { assertEquals } from "@std/assert";
 * const data = Float32Array.from({ length: 4 * 256 }, (_, i) => Math.sin(i * i));
 * const packed = quantize({ rows: 4, cols: 256, data }, { format: "any3", groupSize: 128 });
 * assertEquals([dequantize(packed).length, packedBitsPerWeight(packed)], [1024, 3.75]);
 * ```
 */
export function quantize(matrix: Matrix, options: QuantizeOptions): PackedMatrix {
  // Reading the data may convert it each time.
  const dense: Matrix = { rows: matrix.rows, cols: matrix.cols, data: matrix.data };
  const { name = "matrix", stats, codebook = "row", scaleType, steps = plainSteps } = options;
  const format = formatOf(options.format);
  const method = methodOf(options.method);
  const weighting = weightingOf(options.weighting);
  checkType("scaleType", scaleType);
  checkSharing(codebook);
  checkMatrix(dense, name);
  checkFinite(dense.data, { tensor: name, cols: dense.cols });
  const { outliers = 0 } = options;
  checkOutliers(outliers, { cols: dense.cols, name });
  if (outliers > 0) return quantizeBesideOutliers(dense, { ...options, outliers, name });
  const { rows, cols } = dense;
  const { bits, scaling } = format;
  const groupSize = resolveGroupSize(format, { groupSize: options.groupSize, cols });
  if (method.needs === "gram") checkGram(method, { stats, cols, name });
  const weights = columnWeights(weighting, { stats, cols, name });
  const { scales, zeros, type } = scaleGroups(dense, { scaling, groupSize, type: scaleType });
  const codebookType = options.codebookType ?? (scaleType === "f32" ? "f32" : "f16");
  checkType("codebookType", codebookType);
  // Where groups have zeros, values begin at 0.
  const learnedType = codebookType === "int8" && zeros ? "uint8" : codebookType;
  const scaled = { matrix: dense, groupSize, scales, zeros };
  const table = format.values?.(groupSize) ?? null;
  const learning: Omit<LearnOptions, "tables"> = {
    bits,
    columnWeights: weights,
    scalePower: weighting.scalePower,
    type: learnedType,
  };
  const sharing: SharedCodebooks = table
    ? { tables: 1 }
    : shareCodebooks(codebook, { scaled, learning, steps });
  const problem: Problem = { scaled, table, scaleType: type, ...learning, ...sharing, stats, name };
  const solution = method.solve(problem, steps);
  return {
    format: format.name,
    bits,
    rows,
    cols,
    groupSize,
    codes: solution.codes,
    scales: solution.scales ?? scales,
    zeros: solution.zeros ?? zeros,
    codebook: solution.codebook,
    ...(sharing.codebookRows && { codebookRows: sharing.codebookRows }),
    scaleType: type,
    codebookType: format.values ? "fixed" : learnedType,
  };
}

/** Quantizes a matrix without its outliers, and keeps those beside it. */
function quantizeBesideOutliers(
  matrix: Matrix,
  options: QuantizeOptions & { outliers: number; name: string },
): PackedMatrix {
  const { outliers: part, name, stats, ...rest } = options;
  const { cols } = matrix;
  const { rest: others, places } = splitOutliers(matrix, {
    part,
    groupSize: resolveGroupSize(formatOf(options.format), { groupSize: options.groupSize, cols }),
    columnWeights: columnWeights(weightingOf(options.weighting), { stats, cols, name }),
    quantize: (cut) => quantize(cut, { ...rest, stats, name, method: "kmeans" }),
  });
  const packed = quantize(others, { ...rest, stats, name });
  return { ...packed, outliers: outliersOf(matrix, packed, places) };
}
