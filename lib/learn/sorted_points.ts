/**
 * Weighted numbers made ready for one-dimensional clustering: checked, sorted, equal ones merged.
 *
 * @module
 */
import { TensorError } from "../errors.ts";

const DIGIT_BITS = 11;
const DIGITS = 6; // 6 · 11 bits cover the 64 of a double
const RADIX = 2 ** DIGIT_BITS;

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

  #keys = new Float64Array(0);
  #keyWords = new Uint32Array(0);
  #order = new Uint32Array(0);
  #otherOrder = new Uint32Array(0);
  readonly #counts = new Uint32Array(DIGITS * RADIX);

  /** Makes room for n values. */
  reserve(n: number): void {
    if (this.#keys.length >= n) return;
    this.values = new Float64Array(n);
    this.weights = new Float64Array(n);
    this.#keys = new Float64Array(n);
    this.#keyWords = new Uint32Array(this.#keys.buffer);
    this.#order = new Uint32Array(n);
    this.#otherOrder = new Uint32Array(n);
  }

  /** Takes n values and their weights; see {@linkcode Learner.fit} for what they may be. */
  load(values: Float64Array, weights: Float64Array | null): void {
    const n = values.length;
    if (n === 0) throw new TensorError("Cannot cluster 0 values");
    if (weights !== null && weights.length !== n) {
      throw new TensorError(`Cannot cluster ${n} values with ${weights.length} weights`);
    }
    this.reserve(n);
    this.valueUnit = unit(largest(values, "value"));
    const heaviest = weights === null ? 0 : largest(weights, "weight");
    if (heaviest === 0) weights = null;
    this.weightUnit = heaviest === 0 ? 1 : unit(heaviest);

    const order = this.#sort(values);
    const { valueUnit, weightUnit } = this;
    const keys = this.#keys;
    let count = -1;
    let last = NaN;
    for (let i = 0; i < n; i++) {
      const at = order[i]!;
      const weight = weights === null ? 1 : weights[at]! / weightUnit;
      if (weight === 0) continue;
      const value = values[at]! / valueUnit;
      if (value === last) {
        this.weights[count]! += weight;
      } else {
        count++;
        this.values[count] = last = value;
        this.weights[count] = weight;
      }
    }
    void keys;
    this.count = count + 1;
  }

  /** The order of the values, by radix sort on the bits of the doubles. */
  #sort(values: Float64Array): Uint32Array {
    const n = values.length;
    const words = this.#keyWords;
    const counts = this.#counts.fill(0);
    this.#keys.set(values);
    for (let i = 0; i < n; i++) {
      let low = words[2 * i]!;
      let high = words[2 * i + 1]!;
      // Bits of doubles sort as whole numbers once negative ones are inverted and the sign of the others is set.
      const flip = -(high >>> 31);
      low = (low ^ flip) >>> 0;
      high = (high ^ (flip | 0x80000000)) >>> 0;
      words[2 * i] = low;
      words[2 * i + 1] = high;
      counts[low & 2047]!++;
      counts[2048 + ((low >>> 11) & 2047)]!++;
      counts[4096 + ((low >>> 22) | ((high & 1) << 10))]!++;
      counts[6144 + ((high >>> 1) & 2047)]!++;
      counts[8192 + ((high >>> 12) & 2047)]!++;
      counts[10240 + (high >>> 23)]!++;
    }
    let from = this.#order;
    let to = this.#otherOrder;
    for (let i = 0; i < n; i++) from[i] = i;
    for (let d = 0; d < 6; d++) {
      const first = d * 2048;
      let sum = 0;
      let constant = false;
      for (let b = first; b < first + 2048; b++) {
        const c = counts[b]!;
        if (c === n) constant = true;
        counts[b] = sum;
        sum += c;
      }
      if (constant) continue;
      const shift = d * 11;
      for (let i = 0; i < n; i++) {
        const at = from[i]!;
        const digit = d < 2
          ? (words[2 * at]! >>> shift) & 2047
          : d === 2
          ? (words[2 * at]! >>> 22) | ((words[2 * at + 1]! & 1) << 10)
          : (words[2 * at + 1]! >>> (shift - 32)) & 2047;
        to[counts[first + digit]!++] = at;
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
      throw new TensorError(`Cannot cluster: ${what} ${i} is ${value}`);
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
