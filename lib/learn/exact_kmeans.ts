/**
 * Exact one-dimensional k-means: the global optimum, not a local one.
 *
 * @module
 */
import { OptionError, TensorError } from "../errors.ts";
import { ClusterGains } from "./cluster_gains.ts";
import { KLinkPath } from "./k_link_path.ts";
import type { Learner } from "./learner.ts";
import { SortedPoints } from "./sorted_points.ts";

/** Steps by count and by value in the coarse first look for the price, at most, and points for each. */
const CELLS = 128;
const POINTS_PER_CELL = 8;

/** The bound on the error by rounding, relative to the inertia. */
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
 *
 * @example
 * ```ts
 * import { ExactKMeans } from "any4/learn";
 * import { assertEquals } from "@std/assert";
 * const centroids = new Float64Array(2);
 * const inertia = new ExactKMeans(2).fit(Float64Array.of(5, 1, 2, 6), null, centroids);
 * assertEquals([inertia, ...centroids], [1, 1.5, 5.5]);
 * ```
 */
export class ExactKMeans implements Learner {
  readonly #k: number;
  readonly #points = new SortedPoints();
  readonly #gains = new ClusterGains();
  readonly #coarse = new ClusterGains();
  readonly #careful = new ClusterGains();
  readonly #path: KLinkPath;

  /**
   * Creates a learner, whose fits share buffers.
   *
   * @param k how many centroids, at least 1.
   * @param capacity the number of values to allocate buffers for; they grow if there are more.
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
    if (centroids.length !== k) {
      throw new TensorError(`Cannot write ${k} centroids to an array of ${centroids.length}`);
    }
    points.load(values, weights);
    if (points.count <= k) {
      points.writeValues(centroids);
      return 0;
    }
    const gains = this.#gains;
    gains.load(points);
    const price = this.#path.find(gains, this.#guessPrice());
    const inertia = points.writeMeans(this.#path.ends, centroids);
    // Gains and prices are sums of about `most` and k · price, each rounded a few times.
    const error = (k + 8) * 2 ** -53 * (gains.most + k * price);
    const left = inertia / this.#inertiaUnit();
    if (k === 1 || error <= TOLERANCE * left) return inertia;
    return this.#fitCarefully(price, centroids);
  }

  /** About the price per cluster at which k clusters are best. */
  #guessPrice(): number {
    // m clusters leave Gaussian values about 2.7 / m² of their inertia (Panter and Dite 1951); this is the slope at k.
    const price = 5.4 * this.#gains.most / (this.#k * this.#k * this.#k);
    const cells = Math.min(Math.floor(this.#points.count / POINTS_PER_CELL), CELLS);
    this.#coarse.loadCoarse(this.#gains, this.#points, cells);
    return this.#coarse.count > this.#k ? this.#path.find(this.#coarse, price) : price;
  }

  /** Chooses the cuts without cancellation, starting from a guess of the price. */
  #fitCarefully(price: number, centroids: Float64Array): number {
    const points = this.#points;
    this.#careful.loadCareful(points);
    for (let tries = 0;; tries++) {
      price = this.#path.find(this.#careful, price);
      const inertia = points.writeMeans(this.#path.ends, centroids);
      // A price far above the inertia would round it away. It need not be: the lowest price that leads to k clusters is
      // what one more would save, at most the inertia.
      const left = inertia / this.#inertiaUnit();
      if (price <= 1000 * left || tries === 100) return inertia;
      price = 2 * left;
    }
  }

  #inertiaUnit(): number {
    return this.#points.valueUnit ** 2 * this.#points.weightUnit;
  }
}
