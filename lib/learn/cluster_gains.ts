/**
 * The contribution of a cluster of consecutive sorted points to a clustering's objective.
 *
 * @module
 */
import { InertiaTree } from "./inertia_tree.ts";
import type { SortedPoints } from "./sorted_points.ts";

/**
 * The gain of making one cluster of the points [from, to): an amount less the cluster's inertia, where the amounts of all
 * clusters sum to the same whatever the clusters are. So the clustering with the largest sum of gains has the least inertia.
 *
 * By default the gain is (Σ w v)² / Σ w, the amount being Σ w v², from prefix sums in constant time. Two things keep
 * rounding small. Values are taken from their weighted mean, so that no common offset is squared. And sums are kept as a
 * high and a low double (Knuth's two-sum): the difference of two plain prefix sums has an error of 2^-53 of everything
 * before it, which may be all of a light cluster that lies behind a heavy point; with the low parts it is 2^-53 of the
 * cluster itself. What remains is an error of about 2^-53 · `most` in a clustering's gain.
 *
 * Where even that is too much, {@linkcode loadCareful} has the amount be 0 and takes inertias from a tree.
 */
export class ClusterGains {
  /** The number of points. */
  count = 0;
  /** The sum of gains when every point is its own cluster: the largest that a clustering can have. */
  most = 0;
  /**
   * What a rival's gain is multiplied with before a comparison that rounding could decide: 1 where rounding errors are
   * alike for all clusters, a little more where gains are negative and errors grow with them.
   */
  caution = 1;
  /** [count + 1, 4]: Σ w v high and low, Σ w high and low. */
  #sums = new Float64Array(0);
  #tree: InertiaTree | null = null;

  /** Takes the points, for fast gains. */
  load(points: SortedPoints): void {
    const { count, values, weights } = points;
    this.#reserve(count);
    let total = 0;
    let moment = 0;
    for (let i = 0; i < count; i++) {
      total += weights[i]!;
      moment += weights[i]! * values[i]!;
    }
    const center = moment / total;
    const sums = this.#sums;
    let most = 0;
    let [high1, low1, high0, low0] = [0, 0, 0, 0];
    for (let i = 0; i < count; i++) {
      const weight = weights[i]!;
      const value = values[i]! - center;
      const term = weight * value;
      most += term * value;
      const sum1 = high1 + term;
      const part1 = sum1 - high1;
      low1 += (high1 - (sum1 - part1)) + (term - part1);
      high1 = sum1;
      const sum0 = high0 + weight;
      const part0 = sum0 - high0;
      low0 += (high0 - (sum0 - part0)) + (weight - part0);
      high0 = sum0;
      const at = 4 * i + 4;
      sums[at] = high1;
      sums[at + 1] = low1;
      sums[at + 2] = high0;
      sums[at + 3] = low0;
    }
    this.count = count;
    this.most = most;
  }

  /**
   * Takes at most 2 · `cells` runs of the points that `fine` holds, each as one point that no cluster parts: `cells`
   * runs of as many points each, cut once more where the values pass one of `cells` even steps.
   */
  loadCoarse(fine: ClusterGains, points: SortedPoints, cells: number): void {
    const { count, values } = points;
    this.#reserve(2 * cells);
    const least = values[0]!;
    const stepsPerUnit = cells / (values[count - 1]! - least);
    let runs = 0;
    let last = 0;
    for (let i = 1; i <= count; i++) {
      const cell = Math.floor(i * cells / count) + Math.floor((values[i - 1]! - least) * stepsPerUnit);
      if (cell === last) continue;
      last = cell;
      runs++;
      for (let part = 0; part < 4; part++) this.#sums[4 * runs + part] = fine.#sums[4 * i + part]!;
    }
    this.count = runs;
    this.most = 0;
    for (let i = 0; i < runs; i++) this.most += this.gain(i, i + 1);
  }

  /** Takes the points, for gains without cancellation. */
  loadCareful(points: SortedPoints): void {
    this.#tree ??= new InertiaTree();
    this.#tree.load(points);
    this.count = points.count;
    this.most = 0;
    this.caution = 1 + 2 ** -44;
  }

  #reserve(count: number): void {
    if (this.#sums.length < 4 * count + 4) this.#sums = new Float64Array(4 * count + 4);
  }

  /** The gain of the cluster [from, to), from < to. */
  gain(from: number, to: number): number {
    // A branch, not a subclass: the search's inner loop stays fast only while it calls one function.
    if (this.#tree !== null) return -this.#tree.inertia(from, to);
    const sums = this.#sums;
    const a = 4 * from;
    const b = 4 * to;
    const moment = (sums[b]! - sums[a]!) + (sums[b + 1]! - sums[a + 1]!);
    const weight = (sums[b + 2]! - sums[a + 2]!) + (sums[b + 3]! - sums[a + 3]!);
    return moment * moment / weight;
  }
}
