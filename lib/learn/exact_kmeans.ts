/**
 * Exact one-dimensional weighted k-means.
 *
 * @module
 */
import { OptionError, TensorError } from "../errors.ts";
import type { Learner } from "./learner.ts";
import { SortedPoints } from "./sorted_points.ts";

/**
 * Weighted k-means on a line, solved to its global optimum by dynamic programming: clusters are intervals of the
 * sorted values, so the best m clusters of the first i values are the best m − 1 clusters of the first j and one more
 * of the rest, for the best split j (Wang and Song 2011, "Ckmeans.1d.dp"). The best j grows with i and with m
 * (Grønlund et al. 2017, "Fast exact k-means, k-medians and Bregman divergence clustering in 1D"), so each layer takes
 * O(n log n) steps by divide and conquer.
 *
 * Deterministic. Scratch is kept between calls: a learner may serve many rows, one after another.
 */
export class ExactKMeans implements Learner {
  readonly #k: number;
  readonly #points = new SortedPoints();
  /** [n + 1] sums of the weights before each value. */
  #sum0 = new Float64Array(0);
  /** [n + 1] sums of weight · (value − mean) before each value. */
  #sum1 = new Float64Array(0);
  /** [n + 1] the most that the current and the previous number of clusters can reach over the first i values. */
  #best = new Float64Array(0);
  #bestBefore = new Float64Array(0);
  /** [k + 1, n + 1] the first value of the last of m clusters over the first i values. */
  #splits = new Int32Array(0);
  /** [k + 1] the first value of each cluster, and n. */
  readonly #bounds: Int32Array;

  /** @param k how many centroids to find. */
  constructor(k: number) {
    if (!Number.isSafeInteger(k) || k < 1) {
      throw new OptionError(`Cannot make ${k} clusters: k must be a whole number of at least 1`);
    }
    this.#k = k;
    this.#bounds = new Int32Array(k + 1);
  }

  /** See {@linkcode Learner.fit}. */
  fit(values: Float64Array, weights: Float64Array | null, centroids: Float64Array): number {
    const points = this.#points;
    if (centroids.length !== this.#k) {
      throw new TensorError(`Cannot write ${this.#k} centroids to an array of ${centroids.length}`);
    }
    points.load(values, weights);
    if (points.count <= this.#k) {
      points.copyTo(centroids);
      return 0;
    }
    this.#prepare();
    this.#solve();
    return points.finish(this.#bounds, centroids);
  }

  /** Prefix sums around the mean, which keeps the sums of values far from 0 precise. */
  #prepare(): void {
    const { count, values, weights } = this.#points;
    if (this.#sum0.length <= count) {
      this.#sum0 = new Float64Array(count + 1);
      this.#sum1 = new Float64Array(count + 1);
      this.#best = new Float64Array(count + 1);
      this.#bestBefore = new Float64Array(count + 1);
      this.#splits = new Int32Array((this.#k + 1) * (count + 1));
    }
    const mean = this.#points.mean();
    const sum0 = this.#sum0;
    const sum1 = this.#sum1;
    let [s0, s1] = [0, 0];
    for (let i = 0; i < count; i++) {
      s0 += weights[i]!;
      s1 += weights[i]! * (values[i]! - mean);
      sum0[i + 1] = s0;
      sum1[i + 1] = s1;
    }
  }

  /** Fills the bounds with those of the best k clusters. */
  #solve(): void {
    const k = this.#k;
    const n = this.#points.count;
    const stride = n + 1;
    const splits = this.#splits;
    const sum0 = this.#sum0;
    const sum1 = this.#sum1;
    // The inertia is Σ w·v² less Σ S1²/S0 over the clusters, so the latter is maximised: Σ w·v² never changes.
    for (let i = 1; i <= n; i++) {
      this.#best[i] = sum1[i]! * sum1[i]! / sum0[i]!;
      splits[stride + i] = 0;
    }
    for (let m = 2; m <= k; m++) {
      [this.#best, this.#bestBefore] = [this.#bestBefore, this.#best];
      // Every cluster holds a value, so m clusters need m values and leave k − m for the others.
      if (m === k) this.#layer(m, n, n);
      else this.#layer(m, m, n - (k - m));
    }
    this.#bounds[k] = n;
    for (let m = k; m > 0; m--) this.#bounds[m - 1] = splits[m * stride + this.#bounds[m]!]!;
  }

  /** Finds the best split into m clusters of the first i values, for all i from `from` to `to`. */
  #layer(m: number, from: number, to: number): void {
    const stride = this.#points.count + 1;
    const splits = this.#splits;
    const here = m * stride;
    const before = here - stride;
    const sum0 = this.#sum0;
    const sum1 = this.#sum1;
    const best = this.#best;
    const bestBefore = this.#bestBefore;
    let step = 1;
    while (from + step <= to) step *= 2;
    // Halving steps: each i lies between two neighbours whose splits bound its own.
    for (; step >= 1; step >>= 1) {
      for (let i = from + step - 1; i <= to; i += 2 * step) {
        const left = i - step;
        const right = i + step;
        const high = right > to ? i - 1 : Math.min(i - 1, splits[here + right]!);
        // The layer before ends at to − 1. Where rounding puts the bounds in the wrong order, high is as good as low.
        const low = Math.min(
          high,
          Math.max(left < from ? m - 1 : splits[here + left]!, splits[before + Math.min(i, to - 1)]!),
        );
        const all0 = sum0[i]!;
        const all1 = sum1[i]!;
        let most = -Infinity;
        let split = low;
        for (let j = low; j <= high; j++) {
          const part = all1 - sum1[j]!;
          const reach = bestBefore[j]! + part * part / (all0 - sum0[j]!);
          if (reach > most) {
            most = reach;
            split = j;
          }
        }
        best[i] = most;
        splits[here + i] = split;
      }
    }
  }
}
