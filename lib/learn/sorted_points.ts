/**
 * Weighted numbers made ready for one-dimensional clustering: checked, sorted, equal ones merged.
 *
 * @module
 */
import { TensorError } from "../errors.ts";

const DIGIT_BITS = 11;
const DIGITS = 6; // 6 · 11 bits cover the 64 of a double
const RADIX = 2 ** DIGIT_BITS;
const MASK = RADIX - 1;

/** Magnitudes outside 2^±200 are scaled by a power of two, so that w · v² can neither overflow nor vanish. */
const COMFORTABLE = 2 ** 200;

/**
 * The distinct values of positive weight, ascending, each with the sum of its weights.
 *
 * Buffers are kept between calls and grow when more values come.
 */
export class SortedPoints {
  /** How many distinct values there are. */
  count = 0;
  /** [count …] the values, ascending, in units of {@linkcode valueUnit}. */
  values: Float64Array = new Float64Array(0);
  /** [count …] their weights, in units of {@linkcode weightUnit}. */
  weights: Float64Array = new Float64Array(0);
  /** What a stored value of 1 stands for: a power of two, nearly always 1. */
  valueUnit = 1;
  /** What a stored weight of 1 stands for: a power of two, nearly always 1. */
  weightUnit = 1;

  /** [2n] the two halves of each value, as whole numbers that sort as the doubles do. */
  #keys = new Uint32Array(0);
  #bits = new Float64Array(0);
  #order = new Uint32Array(0);
  #otherOrder = new Uint32Array(0);
  readonly #starts = new Uint32Array(DIGITS * RADIX);

  /** Takes n values and their weights; see {@linkcode Learner.fit} for what they may be. */
  load(values: Float64Array, weights: Float64Array | null): void {
    const n = values.length;
    if (n === 0) throw new TensorError("Cannot cluster 0 values");
    if (weights !== null && weights.length !== n) {
      throw new TensorError(`Cannot cluster ${n} values with ${weights.length} weights`);
    }
    this.#reserve(n);
    const valueUnit = this.valueUnit = unit(largest(values, "value"));
    const heaviest = weights === null ? 0 : largest(weights, "weight");
    const weightUnit = this.weightUnit = unit(heaviest);
    if (heaviest === 0) weights = null;

    const order = this.#sort(values);
    const distinct = this.values;
    const sums = this.weights;
    let last = -1;
    for (let i = 0; i < n; i++) {
      const at = order[i]!;
      const weight = weights === null ? 1 : weights[at]! / weightUnit;
      if (weight === 0) continue;
      const value = values[at]! / valueUnit;
      // −0 and 0 sort apart but are equal here.
      if (last >= 0 && value === distinct[last]!) {
        sums[last]! += weight;
      } else {
        distinct[++last] = value;
        sums[last] = weight;
      }
    }
    this.count = last + 1;
  }

  /** Where there are at most k distinct values: makes them the centroids, the largest repeated. */
  copyTo(centroids: Float64Array): void {
    const last = this.count - 1;
    for (let i = 0; i < centroids.length; i++) {
      centroids[i] = this.values[Math.min(i, last)]! * this.valueUnit;
    }
  }

  /** The weighted mean, in units of {@linkcode valueUnit}. */
  mean(): number {
    return this.#meanOf(0, this.count);
  }

  /**
   * Writes the means of the clusters [bounds[m], bounds[m + 1]), computed from their members and not from running
   * sums, so that no precision is lost far from 0. An empty cluster keeps the centroid that it has.
   *
   * @returns the inertia.
   */
  finish(bounds: Int32Array, centroids: Float64Array): number {
    const { values, weights } = this;
    let inertia = 0;
    for (let m = 0; m < centroids.length; m++) {
      const from = bounds[m]!;
      const to = bounds[m + 1]!;
      if (from === to) continue;
      const centroid = this.#meanOf(from, to);
      for (let i = from; i < to; i++) inertia += weights[i]! * (values[i]! - centroid) ** 2;
      centroids[m] = centroid * this.valueUnit;
    }
    return inertia * this.weightUnit * this.valueUnit * this.valueUnit;
  }

  #meanOf(from: number, to: number): number {
    const { values, weights } = this;
    const first = values[from]!;
    let [sum0, sum1] = [0, 0];
    for (let i = from; i < to; i++) {
      sum0 += weights[i]!;
      sum1 += weights[i]! * (values[i]! - first);
    }
    return Math.min(first + sum1 / sum0, values[to - 1]!);
  }

  #reserve(n: number): void {
    if (this.#order.length >= n) return;
    this.values = new Float64Array(n);
    this.weights = new Float64Array(n);
    this.#bits = new Float64Array(n);
    this.#keys = new Uint32Array(this.#bits.buffer);
    this.#order = new Uint32Array(n);
    this.#otherOrder = new Uint32Array(n);
  }

  /** The order of the values, by radix sort on the bits of the doubles: linear, and without a callback. */
  #sort(values: Float64Array): Uint32Array {
    const n = values.length;
    const keys = this.#keys;
    const starts = this.#starts.fill(0);
    this.#bits.set(values);
    for (let i = 0; i < n; i++) {
      const top = keys[2 * i + 1]!;
      // Bits of doubles sort as whole numbers once negative ones are inverted and the sign of the others is set.
      const flip = -(top >>> 31);
      const low = (keys[2 * i]! ^ flip) >>> 0;
      const high = (top ^ (flip | 0x80000000)) >>> 0;
      keys[2 * i] = low;
      keys[2 * i + 1] = high;
      starts[low & MASK]!++;
      starts[RADIX + ((low >>> 11) & MASK)]!++;
      starts[2 * RADIX + ((low >>> 22) | ((high & 1) << 10))]!++;
      starts[3 * RADIX + ((high >>> 1) & MASK)]!++;
      starts[4 * RADIX + ((high >>> 12) & MASK)]!++;
      starts[5 * RADIX + (high >>> 23)]!++;
    }
    let from = this.#order;
    let to = this.#otherOrder;
    for (let i = 0; i < n; i++) from[i] = i;
    for (let digit = 0; digit < DIGITS; digit++) {
      const first = digit * RADIX;
      let sum = 0;
      let constant = false;
      for (let b = first; b < first + RADIX; b++) {
        const count = starts[b]!;
        constant ||= count === n;
        starts[b] = sum;
        sum += count;
      }
      if (constant) continue; // all values share this digit, as the low ones of numbers with few bits do
      // Digits 0 and 1 lie in the low half, 2 across both, 3 to 5 in the high half.
      const half = digit < 2 ? 0 : 1;
      const shift = digit * DIGIT_BITS - 32 * half;
      for (let i = 0; i < n; i++) {
        const at = from[i]!;
        const key = digit === 2
          ? (keys[2 * at]! >>> 22) | ((keys[2 * at + 1]! & 1) << 10)
          : (keys[2 * at + half]! >>> shift) & MASK;
        to[starts[first + key]!++] = at;
      }
      [from, to] = [to, from];
    }
    return from;
  }
}

/** The largest magnitude, every value checked. */
function largest(values: Float64Array, what: "value" | "weight"): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const magnitude = what === "weight" ? value : Math.abs(value);
    if (!(magnitude >= 0 && magnitude < Infinity)) {
      throw new TensorError(
        what === "weight"
          ? `Cannot cluster: weight ${i} must be finite and not negative, current value is ${value}`
          : `Cannot cluster: value ${i} must be finite, current value is ${value}`,
      );
    }
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

/** A power of two that brings a magnitude near 1, or 1 where it is comfortable as it is. */
function unit(magnitude: number): number {
  if (magnitude === 0 || (magnitude < COMFORTABLE && magnitude > 1 / COMFORTABLE)) return 1;
  return 2 ** Math.max(-1000, Math.min(1000, Math.floor(Math.log2(magnitude))));
}
