/**
 * Preparation of weighted numbers for one-dimensional clustering: checked, sorted, equal ones merged.
 *
 * @module
 */
import { TensorError } from "../errors.ts";

/** Magnitudes outside 2^±200 are scaled by a power of two, so that w · v² can neither overflow nor vanish. */
const COMFORTABLE = 2 ** 200;

/** Bits of a digit of the radix sort: six digits cover the 64 bits of a double. */
const DIGIT_BITS = 11;
const DIGITS = 6;
const RADIX = 2 ** DIGIT_BITS;

/**
 * The distinct values of positive weight, ascending, each with the sum of its weights.
 *
 * Buffers are kept between calls and grow when more values come.
 */
export class SortedPoints {
  /** The number of distinct values. */
  count = 0;
  /** [count …] the values, ascending, in units of `valueUnit`. */
  values: Float64Array = new Float64Array(0);
  /** [count …] their weights, all positive, in units of `weightUnit`. */
  weights: Float64Array = new Float64Array(0);
  /** The unit of stored values: a power of two, nearly always 1. */
  valueUnit = 1;
  /** The unit of stored weights: a power of two, nearly always 1. */
  weightUnit = 1;

  #keys = new Float64Array(0);
  #keyWords = new Uint32Array(0);
  #order = new Uint32Array(0);
  #otherOrder = new Uint32Array(0);
  readonly #digitCounts = new Uint32Array(DIGITS * RADIX);

  /** Allocates buffers for n values. */
  reserve(n: number): void {
    if (n <= this.values.length) return;
    this.values = new Float64Array(n);
    this.weights = new Float64Array(n);
    this.#keys = new Float64Array(n);
    this.#keyWords = new Uint32Array(this.#keys.buffer);
    this.#order = new Uint32Array(n);
    this.#otherOrder = new Uint32Array(n);
  }

  /**
   * Takes n ≥ 1 values and their weights (null: all 1). If all weights are 0 they count as 1.
   *
   * @throws {TensorError} when a value or weight is not finite, a weight is negative, or sizes disagree.
   */
  load(values: Float64Array, weights: Float64Array | null): void {
    const n = values.length;
    if (n === 0) throw new TensorError("Cannot cluster values: there are none");
    if (weights !== null && weights.length !== n) {
      throw new TensorError(
        `Cannot cluster ${n} values: they need as many weights, current number is ${weights.length}`,
      );
    }
    this.reserve(n);
    const valueUnit = this.valueUnit = unitFor(largestMagnitude(values));
    const heaviest = weights === null ? 0 : largestWeight(weights);
    const weightUnit = this.weightUnit = unitFor(heaviest);

    const order = this.#sort(values);
    let count = 0;
    let last = NaN;
    for (let i = 0; i < n; i++) {
      const at = order[i]!;
      const weight = heaviest === 0 ? 1 : weights![at]! / weightUnit;
      if (weight === 0) continue;
      const value = values[at]! / valueUnit;
      if (value === last) {
        this.weights[count - 1]! += weight;
      } else {
        this.values[count] = last = value;
        this.weights[count] = weight;
        count++;
      }
    }
    this.count = count;
  }

  /** Writes the distinct values, then the largest again and again: the best centroids where they are at least `count`. */
  writeValues(centroids: Float64Array): void {
    for (let c = 0; c < centroids.length; c++) {
      centroids[c] = this.values[Math.min(c, this.count - 1)]! * this.valueUnit;
    }
  }

  /**
   * Writes the means of clusters, each computed from its members.
   *
   * @param ends [centroids + 1]: cluster c holds the points [ends[c], ends[c + 1]). An empty one keeps its centroid.
   * @returns their inertia Σ weight · (value − mean)².
   */
  writeMeans(ends: Int32Array, centroids: Float64Array): number {
    const { values, weights, valueUnit, weightUnit } = this;
    let inertia = 0;
    for (let c = 0; c < centroids.length; c++) {
      const from = ends[c]!;
      const to = ends[c + 1]!;
      if (from === to) continue;
      // Taken from the cluster's least value, so that a narrow cluster far from 0 keeps its digits.
      const first = values[from]!;
      let weight = 0;
      let moment = 0;
      for (let i = from; i < to; i++) {
        weight += weights[i]!;
        moment += weights[i]! * (values[i]! - first);
      }
      const mean = Math.min(first + moment / weight, values[to - 1]!);
      centroids[c] = mean * valueUnit;
      for (let i = from; i < to; i++) {
        const off = values[i]! - mean;
        inertia += weights[i]! * off * off;
      }
    }
    return inertia * valueUnit * valueUnit * weightUnit;
  }

  /** The indices of the values in ascending order: a radix sort on the bits of the doubles, from the lowest digit up. */
  #sort(values: Float64Array): Uint32Array {
    const n = values.length;
    const words = this.#keyWords;
    const counts = this.#digitCounts.fill(0);
    this.#keys.set(values);
    let from = this.#order;
    let to = this.#otherOrder;
    for (let i = 0; i < n; i++) {
      // The bits of doubles sort as unsigned numbers once those of negative ones are inverted and the others' sign is set.
      const sign = words[2 * i + 1]! >> 31;
      const low = words[2 * i]! ^ sign;
      const high = words[2 * i + 1]! ^ (sign | 0x80000000);
      words[2 * i] = low;
      words[2 * i + 1] = high;
      for (let d = 0; d < DIGITS; d++) counts[d * RADIX + digit(low, high, d)]!++;
      from[i] = i;
    }
    for (let d = 0; d < DIGITS; d++) {
      if (!startsFromCounts(counts.subarray(d * RADIX, (d + 1) * RADIX), n)) continue;
      for (let i = 0; i < n; i++) {
        const at = from[i]!;
        const place = d * RADIX + digit(words[2 * at]!, words[2 * at + 1]!, d);
        to[counts[place]!++] = at;
      }
      [from, to] = [to, from];
    }
    return from;
  }
}

/** Digit d of a 64-bit key given as two 32-bit words. */
function digit(low: number, high: number, d: number): number {
  const shift = d * DIGIT_BITS;
  if (shift >= 32) return (high >>> (shift - 32)) & (RADIX - 1);
  return ((low >>> shift) | (shift > 32 - DIGIT_BITS ? high << (32 - shift) : 0)) & (RADIX - 1);
}

/** Turns counts of digits into where each begins; false when all n keys have the same digit, so nothing moves. */
function startsFromCounts(counts: Uint32Array, n: number): boolean {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (count === n) return false;
    counts[i] = sum;
    sum += count;
  }
  return true;
}

function largestMagnitude(values: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (!(magnitude < Infinity)) {
      throw new TensorError(`Cannot cluster values: they must be finite, value ${i} is ${values[i]}`);
    }
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

function largestWeight(weights: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    if (!(weight >= 0 && weight < Infinity)) {
      throw new TensorError(
        `Cannot cluster values: weights must be finite and not negative, weight ${i} is ${weight}`,
      );
    }
    if (weight > largest) largest = weight;
  }
  return largest;
}

/** A power of two near the magnitude, or 1 where the magnitude is comfortable as it is. */
function unitFor(magnitude: number): number {
  if (magnitude === 0 || (magnitude < COMFORTABLE && magnitude > 1 / COMFORTABLE)) return 1;
  return 2 ** Math.max(-1000, Math.floor(Math.log2(magnitude)));
}
