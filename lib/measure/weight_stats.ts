/**
 * Statistics of a matrix's weights.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { entropyOf } from "./code_stats.ts";

/** Statistics of a list of weights. */
export interface WeightStats {
  /** Their number. */
  count: number;
  /** Their mean. */
  mean: number;
  /** Standard deviation. */
  std: number;
  /** Least value. */
  min: number;
  /** Largest value. */
  max: number;
  /** Fourth standardised moment; 3 for a normal distribution, more where there are outliers. */
  kurtosis: number;
  /** Share of weights farther than 4 standard deviations from the mean. */
  outliers: number;
  /** Entropy of a histogram of `bins` equal bins between min and max, in bits; log2(bins) at most. */
  entropy: number;
}

/**
 * Computes statistics of weights or codes.
 *
 * @param values at least one.
 * @param options.bins bins of the histogram for the entropy; 256 when absent.
 * @throws {OptionError} when there are no values or no bins.
 *
 * @example
 * ```ts
 * import { weightStats } from "any4/measure";
 * import { assertEquals } from "@std/assert";
 * const { mean, std, entropy } = weightStats([-1, 1, -1, 1]);
 * assertEquals([mean, std, entropy], [0, 1, 1]);
 * ```
 */
export function weightStats(values: ArrayLike<number>, options: { bins?: number } = {}): WeightStats {
  const bins = options.bins ?? 256;
  const count = values.length;
  if (count === 0) throw new OptionError("Cannot describe weights: there are none");
  if (!Number.isSafeInteger(bins) || bins < 1) {
    throw new OptionError(
      `Cannot describe weights: bins must be a whole number of at least 1, current value is ${bins}`,
    );
  }
  let [sum, min, max] = [0, Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / count;
  let [second, fourth] = [0, 0];
  for (let i = 0; i < count; i++) {
    const square = (values[i]! - mean) ** 2;
    second += square;
    fourth += square * square;
  }
  const std = Math.sqrt(second / count);
  const histogram = new Float64Array(bins);
  let outliers = 0;
  for (let i = 0; i < count; i++) {
    if (Math.abs(values[i]! - mean) > 4 * std) outliers++;
    histogram[max > min ? Math.min(Math.floor((values[i]! - min) / (max - min) * bins), bins - 1) : 0]!++;
  }
  const entropy = entropyOf(histogram);
  const kurtosis = second > 0 ? count * fourth / second ** 2 : 0;
  return { count, mean, std, min, max, kurtosis, outliers: outliers / count, entropy };
}
