/**
 * Lloyd's algorithm in one dimension from a chosen start, as any4's reference runs it; for comparison.
 *
 * @module
 */
import { OptionError, TensorError } from "../errors.ts";
import { NF4_VALUES } from "../formats/nf4.ts";
import { Random } from "../random.ts";
import type { Learner } from "./learner.ts";
import { SortedPoints } from "./sorted_points.ts";

/** Options of Lloyd's algorithm. */
export interface LloydOptions {
  /**
   * Where centroids start, "k-means++" when absent: "k-means++" draws values by weight · squared distance to the nearest one drawn, keeping the
   * best of a few draws (Arthur and Vassilvitskii 2007); "random" draws k different values, all alike; "int" spaces
   * them evenly from least to largest value; "nf4" stretches NF4's codebook over the same range (for k other than 16,
   * k values read off it at even distances, with straight lines between its entries).
   */
  init?: "k-means++" | "random" | "int" | "nf4";
  /** Seed of the random starts, the same for every call; 0 when absent. */
  seed?: number;
  /** Most rounds; 300 when absent. */
  maxIterations?: number;
  /** Stops when the squared movements of all centroids sum to at most this part of the variance; 1e-4 when absent. */
  tolerance?: number;
}

const INITS = ["k-means++", "random", "int", "nf4"];

/**
 * Weighted k-means by Lloyd's algorithm (Lloyd 1982): a local optimum. On sorted values a cluster is an interval, so a
 * round takes k binary searches and k differences of prefix sums.
 *
 * Scratch is kept between calls: a learner may serve many rows, one after another.
 *
 * @example
 * ```ts
 * import { Lloyd } from "any4/learn";
 * import { assertEquals } from "@std/assert";
 * const centroids = new Float64Array(2);
 * const inertia = new Lloyd(2, { init: "int" }).fit(Float64Array.of(5, 1, 2, 6), null, centroids);
 * assertEquals([inertia, ...centroids], [1, 1.5, 5.5]);
 * ```
 */
export class Lloyd implements Learner {
  readonly #k: number;
  readonly #options: Required<LloydOptions>;
  readonly #points = new SortedPoints();
  /** [n + 1] sums of the weights, and of weight · (value − mean), before each value. */
  #sum0 = new Float64Array(0);
  #sum1 = new Float64Array(0);
  /** [n] squared distance to the nearest centroid drawn; later, what each value costs. */
  #distance = new Float64Array(0);
  /** [k] the centroids while they move, ascending, less the mean. */
  readonly #centres: Float64Array;
  readonly #bounds: Int32Array;

  /**
   * Creates a learner, whose fits share buffers.
   *
   * @param k the number of centroids.
   * @throws {OptionError} when k or an option is out of range or unknown.
   */
  constructor(k: number, options: LloydOptions = {}) {
    if (!Number.isSafeInteger(k) || k < 1) {
      throw new OptionError(`Cannot make ${k} clusters: k must be a whole number of at least 1`);
    }
    const { init = "k-means++", seed = 0, maxIterations = 300, tolerance = 1e-4 } = options;
    if (!INITS.includes(init)) {
      throw new OptionError(`Cannot start from "${init}": expected one of ${INITS.join(", ")}`);
    }
    if (!Number.isSafeInteger(maxIterations) || maxIterations < 1) {
      throw new OptionError(
        `Cannot run Lloyd's algorithm: maxIterations must be a whole number of at least 1, current value is ${maxIterations}`,
      );
    }
    if (!(tolerance >= 0)) {
      throw new OptionError(
        `Cannot run Lloyd's algorithm: tolerance must not be negative, current value is ${tolerance}`,
      );
    }
    this.#k = k;
    this.#options = { init, seed, maxIterations, tolerance };
    this.#centres = new Float64Array(k);
    this.#bounds = new Int32Array(k + 1);
  }

  /** See {@linkcode Learner.fit}; the centroids are a local optimum. */
  fit(values: Float64Array, weights: Float64Array | null, centroids: Float64Array): number {
    const points = this.#points;
    const centres = this.#centres;
    if (centroids.length !== this.#k) {
      throw new TensorError(`Cannot write ${this.#k} centroids to an array of ${centroids.length}`);
    }
    points.load(values, weights);
    if (points.count <= this.#k) {
      points.writeValues(centroids);
      return 0;
    }
    const mean = this.#mean(0, points.count);
    const variance = this.#prepare(mean);
    this.#start();
    for (let i = 0; i < centres.length; i++) centres[i]! -= mean;
    const { maxIterations, tolerance } = this.#options;
    for (let round = 0; round < maxIterations; round++) {
      const changed = this.#assign(mean);
      if (!changed && round > 0) break;
      if (this.#move(mean) <= tolerance * variance) break;
    }
    this.#assign(mean);
    return this.#finish(mean, centroids);
  }

  /** The weighted mean of the sorted values [from, to), summed from the first: precise far from 0 too. */
  #mean(from: number, to: number): number {
    const { values, weights } = this.#points;
    const first = values[from]!;
    let [sum0, sum1] = [0, 0];
    for (let i = from; i < to; i++) {
      sum0 += weights[i]!;
      sum1 += weights[i]! * (values[i]! - first);
    }
    return Math.min(first + sum1 / sum0, values[to - 1]!);
  }

  /** Writes the clusters' means and returns their inertia. */
  #finish(mean: number, centroids: Float64Array): number {
    const points = this.#points;
    // Only when rounds ran out can a cluster be empty still; its centroid stays where it is.
    for (let m = 0; m < this.#k; m++) centroids[m] = (this.#centres[m]! + mean) * points.valueUnit;
    return points.writeMeans(this.#bounds, centroids);
  }

  /** Prefix sums around the mean. Returns the weighted variance. */
  #prepare(mean: number): number {
    const { count, values, weights } = this.#points;
    if (this.#sum0.length <= count) {
      this.#sum0 = new Float64Array(count + 1);
      this.#sum1 = new Float64Array(count + 1);
      this.#distance = new Float64Array(count);
    }
    let [s0, s1, s2] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const weight = weights[i]!;
      const centred = values[i]! - mean;
      s0 += weight;
      s1 += weight * centred;
      s2 += weight * centred * centred;
      this.#sum0[i + 1] = s0;
      this.#sum1[i + 1] = s1;
    }
    return s2 / s0;
  }

  #start(): void {
    const k = this.#k;
    const { count, values } = this.#points;
    const centres = this.#centres;
    const { init, seed } = this.#options;
    if (init === "int" || init === "nf4") {
      const min = values[0]!;
      const range = values[count - 1]! - min;
      for (let m = 0; m < k; m++) {
        const part = k === 1 ? 0.5 : m / (k - 1);
        centres[m] = min + range * (init === "int" ? part : (nf4At(part) + 1) / 2);
      }
    } else if (init === "random") {
      this.#drawAlike(new Random(seed));
    } else {
      this.#drawFarApart(new Random(seed));
    }
    centres.sort();
  }

  /** k different values, all alike (Floyd's sampling). */
  #drawAlike(random: Random): void {
    const { count, values } = this.#points;
    const centres = this.#centres;
    const drawn = new Set<number>();
    for (let last = count - this.#k; last < count; last++) {
      const at = random.integer(last + 1);
      const chosen = drawn.has(at) ? last : at;
      centres[drawn.size] = values[chosen]!;
      drawn.add(chosen);
    }
  }

  /** k-means++, with 2 + ⌊ln k⌋ draws for each centroid, of which the one that lowers the inertia most is kept. */
  #drawFarApart(random: Random): void {
    const { count, values, weights } = this.#points;
    const centres = this.#centres;
    const distance = this.#distance;
    const tries = 2 + Math.floor(Math.log(this.#k));
    const reached = random.next() * this.#sum0[count]!;
    centres[0] = values[Math.min(upperBound(this.#sum0, reached, count + 1) - 1, count - 1)]!;
    let inertia = 0;
    for (let i = 0; i < count; i++) {
      distance[i] = (values[i]! - centres[0]) ** 2;
      inertia += weights[i]! * distance[i]!;
    }
    for (let m = 1; m < centres.length; m++) {
      let chosen = 0;
      let gain = -1;
      for (let t = 0; t < tries; t++) {
        let rest = random.next() * inertia;
        let at = 0;
        while (at < count - 1 && (rest -= weights[at]! * distance[at]!) >= 0) at++;
        const saved = this.#saved(at);
        if (saved > gain) {
          gain = saved;
          chosen = at;
        }
      }
      const centre = values[chosen]!;
      centres[m] = centre;
      inertia = 0;
      for (let i = 0; i < count; i++) {
        const d = (values[i]! - centre) ** 2;
        if (d < distance[i]!) distance[i] = d;
        inertia += weights[i]! * distance[i]!;
      }
    }
  }

  /** By how much the inertia falls when value `at` becomes a centroid: only values around it come nearer. */
  #saved(at: number): number {
    const { count, values, weights } = this.#points;
    const distance = this.#distance;
    const centre = values[at]!;
    let saved = 0;
    for (let i = at; i < count; i++) {
      const less = distance[i]! - (values[i]! - centre) ** 2;
      if (less <= 0) break;
      saved += weights[i]! * less;
    }
    for (let i = at - 1; i >= 0; i--) {
      const less = distance[i]! - (values[i]! - centre) ** 2;
      if (less <= 0) break;
      saved += weights[i]! * less;
    }
    return saved;
  }

  /** Gives each value to its nearest centroid. Returns whether a cluster changed. */
  #assign(mean: number): boolean {
    const { count, values } = this.#points;
    const centres = this.#centres;
    const bounds = this.#bounds;
    let changed = bounds[this.#k] !== count;
    bounds[0] = 0;
    bounds[this.#k] = count;
    for (let m = 1; m < this.#k; m++) {
      const bound = upperBound(values, mean + (centres[m - 1]! + centres[m]!) / 2, count);
      changed ||= bound !== bounds[m];
      bounds[m] = bound;
    }
    return changed;
  }

  /** Moves each centroid to the mean of its cluster. Returns the sum of the squared movements. */
  #move(mean: number): number {
    const centres = this.#centres;
    const bounds = this.#bounds;
    let moved = 0;
    let empty = false;
    for (let m = 0; m < this.#k; m++) {
      const from = bounds[m]!;
      const to = bounds[m + 1]!;
      if (from === to) {
        empty = true;
        continue;
      }
      const centre = (this.#sum1[to]! - this.#sum1[from]!) / (this.#sum0[to]! - this.#sum0[from]!);
      moved += (centre - centres[m]!) ** 2;
      centres[m] = centre;
    }
    if (!empty) return moved;
    this.#fill(mean);
    return Infinity;
  }

  /** Moves the centroids of empty clusters to the values that cost the most, one each. */
  #fill(mean: number): void {
    const { values, weights } = this.#points;
    const centres = this.#centres;
    const bounds = this.#bounds;
    const cost = this.#distance;
    for (let m = 0; m < this.#k; m++) {
      const centre = centres[m]! + mean;
      for (let i = bounds[m]!; i < bounds[m + 1]!; i++) cost[i] = weights[i]! * (values[i]! - centre) ** 2;
    }
    for (let m = 0; m < this.#k; m++) {
      if (bounds[m] !== bounds[m + 1]) continue;
      let worst = 0;
      for (let i = 1; i < this.#points.count; i++) if (cost[i]! > cost[worst]!) worst = i;
      centres[m] = values[worst]! - mean;
      cost[worst] = 0;
    }
    centres.sort();
  }
}

/** NF4's codebook as a curve from −1 to 1 over [0, 1], straight between its entries. */
function nf4At(part: number): number {
  const last = NF4_VALUES.length - 1;
  const i = Math.min(Math.floor(part * last), last - 1);
  const [a, b] = [NF4_VALUES[i]!, NF4_VALUES[i + 1]!];
  return a + (b - a) * (part * last - i);
}

/** The number of the first `count` sorted values that are at most x. */
function upperBound(sorted: Float64Array, x: number, count: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}
