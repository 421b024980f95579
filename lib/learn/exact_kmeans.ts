/**
 * Exact one-dimensional k-means: the global optimum, not a local one.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { PrefixGains, TreeGains } from "./cluster_gains.ts";
import { KLinkPath } from "./k_link_path.ts";
import type { Learner } from "./learner.ts";
import { SortedPoints } from "./sorted_points.ts";

/** Runs of points, by count and by value, in the coarse first look for the price; see {@linkcode KLinkPath}. */
const CELLS = 256;

/** How far from the optimum rounding may lead, relative to the inertia. */
const TOLERANCE = 1e-9;

/**
 * Weighted k-means on numbers, solved exactly and deterministically.
 *
 * The best clusters are consecutive in sorted order (Wang and Song 2011, Ckmeans.1d.dp), and their inertia has the
 * structure that makes finding the best cuts fast (Grønlund et al. 2017, "Fast exact k-means, k-medians and Bregman
 * divergence clustering in 1D"). A fit takes O(n log n) time and O(n) memory whatever k is; {@linkcode KLinkPath} says how.
 *
 * The cuts are chosen with sums that carry a rounding error of about 2^-53 of the values' total inertia. Where that could
 * matter beyond a relative 1e-9, because almost nothing of the total is left, they are chosen again without cancellation.
 * Centroids and inertia are computed from each cluster's members.
 */
export class ExactKMeans implements Learner {
  readonly #k: number;
  readonly #points = new SortedPoints();
  readonly #gains = new PrefixGains();
  readonly #coarse = new PrefixGains();
  readonly #path: KLinkPath;
  #tree: TreeGains | null = null;

  /**
   * @param k how many centroids, at least 1.
   * @param capacity how many values to make room for at once; buffers grow when more come.
   * @throws {OptionError} when k is not a whole number of at least 1.
   */
  constructor(k: number, capacity = 0) {
    if (!Number.isSafeInteger(k) || k < 1) {
      throw new OptionError(`Cannot cluster: k must be a whole number of at least 1, current value is ${k}`);
    }
    this.#k = k;
    this.#path = new KLinkPath(k);
    this.#points.reserve(capacity);
    this.#path.reserve(capacity);
  }

  fit(values: Float64Array, weights: Float64Array | null, centroids: Float64Array): number {
    const k = this.#k;
    const points = this.#points;
    const { ends } = this.#path;
    points.load(values, weights);
    if (points.count <= k) {
      for (let c = 0; c < k; c++) {
        centroids[c] = points.values[Math.min(c, points.count - 1)]! * points.valueUnit;
      }
      return 0;
    }
    const price = this.#choose();
    let inertia = this.#measure(ends, centroids);
    // Gains and prices are sums of about `most` and k · price, each rounded a few times.
    const error = (k + 8) * 2 ** -53 * (this.#gains.most + k * price);
    if (k > 1 && !(error <= TOLERANCE * inertia)) inertia = this.#chooseAgain(price, inertia, centroids);
    return inertia * points.valueUnit * points.valueUnit * points.weightUnit;
  }

  /** Chooses the cuts by prefix sums; returns the price per cluster. */
  #choose(): number {
    const points = this.#points;
    const gains = this.#gains;
    gains.load(points);
    // Gaussian values leave about 2.7 / m² of their inertia to m clusters (Panter and Dite 1951); this is its slope.
    let price = 5.4 * gains.most / this.#k ** 3;
    if (points.count > 4 * CELLS) {
      this.#coarse.loadCoarse(gains, points, CELLS);
      if (this.#coarse.count > this.#k) price = this.#path.find(this.#coarse, price);
    }
    return this.#path.find(gains, price);
  }

  /** Chooses the cuts without cancellation, keeps them where they are better, and returns the inertia. */
  #chooseAgain(price: number, inertia: number, centroids: Float64Array): number {
    const { ends } = this.#path;
    const tree = this.#tree ??= new TreeGains();
    tree.load(this.#points);
    for (let tries = 0; tries < 100; tries++) {
      price = this.#path.find(tree, price);
      inertia = this.#measure(ends, centroids);
      if (!(price > 1000 * inertia)) break;
      price = 2 * inertia;
    }
    return inertia;
  }

  /** The clusters' means, and their inertia in the points' units. */
  #measure(ends: Int32Array, centroids: Float64Array): number {
    const { values, weights, valueUnit } = this.#points;
    let inertia = 0;
    for (let c = 0; c < this.#k; c++) {
      const from = ends[c]!;
      const to = ends[c + 1]!;
      const first = values[from]!;
      let weight = 0;
      let moment = 0;
      for (let i = from; i < to; i++) {
        weight += weights[i]!;
        moment += weights[i]! * (values[i]! - first);
      }
      const mean = first + moment / weight;
      centroids[c] = mean * valueUnit;
      for (let i = from; i < to; i++) {
        const off = values[i]! - mean;
        inertia += weights[i]! * off * off;
      }
    }
    return inertia;
  }
}
