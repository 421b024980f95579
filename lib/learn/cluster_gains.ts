/**
 * What a cluster of consecutive sorted points contributes to a clustering's objective, in two precisions.
 *
 * @module
 */
import type { SortedPoints } from "./sorted_points.ts";

/** The value of making one cluster of the points [from, to), for a clustering that maximises the sum of these. */
export interface ClusterGains {
  /** How many points there are. */
  readonly count: number;
  /** The sum of the gains when every point is its own cluster, the largest possible. */
  readonly most: number;
  /**
   * What a rival's gain is multiplied with before a comparison that rounding could decide wrongly: 1 where rounding
   * errors are alike for all clusters; a little more than 1 where gains are negative and errors grow with them.
   */
  readonly caution: number;
  /** The gain of the cluster [from, to), from < to. */
  gain(from: number, to: number): number;
}

/**
 * Gains from prefix sums: (Σ w v)² / Σ w, which is a constant Σ w v² less the cluster's inertia, in constant time.
 *
 * Two things keep rounding small. Values are taken from their weighted mean, so that no common offset is squared. And
 * the sums are kept as a high and a low double (Knuth's two-sum): a difference of two plain prefix sums would carry an
 * error of 2^-53 of everything before it, which is all of a light cluster that lies after a heavy point; with the low
 * parts it is 2^-53 of the cluster itself. What remains is an error of about 2^-53 · `most` in a clustering's gain.
 */
export class PrefixGains implements ClusterGains {
  count = 0;
  most = 0;
  readonly caution = 1;
  /** [count + 1, 4]: Σ w v high and low, Σ w high and low. */
  #sums = new Float64Array(0);

  /** Takes the points. */
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
   * Takes at most 2 · `cells` runs of another's points, each as one point that no cluster parts: `cells` of about as
   * many points each, cut once more where the values pass one of `cells` even steps.
   */
  loadCoarse(fine: PrefixGains, points: SortedPoints, cells: number): void {
    const { count, values } = points;
    this.#reserve(2 * cells);
    const least = values[0]!;
    const perValue = cells / (values[count - 1]! - least);
    let runs = 0;
    let last = 0;
    for (let i = 1; i <= count; i++) {
      const cell = Math.floor(i * cells / count) + Math.floor((values[i - 1]! - least) * perValue);
      if (cell === last) continue;
      last = cell;
      runs++;
      for (let part = 0; part < 4; part++) this.#sums[4 * runs + part] = fine.#sums[4 * i + part]!;
    }
    this.count = runs;
    this.most = 0;
    for (let i = 0; i < runs; i++) this.most += this.gain(i, i + 1);
  }

  #reserve(count: number): void {
    if (this.#sums.length < 4 * count + 4) this.#sums = new Float64Array(4 * count + 4);
  }

  gain(from: number, to: number): number {
    const sums = this.#sums;
    const a = 4 * from;
    const b = 4 * to;
    const moment = (sums[b]! - sums[a]!) + (sums[b + 1]! - sums[a + 1]!);
    const weight = (sums[b + 2]! - sums[a + 2]!) + (sums[b + 3]! - sums[a + 3]!);
    return moment * moment / weight;
  }
}

/**
 * Gains without cancellation: minus the cluster's inertia, put together from a segment tree by the parallel variance
 * formula (Chan, Golub and LeVeque 1979), whose terms are all positive. Logarithmic time: for the rare points whose
 * best clustering leaves so little inertia that {@linkcode PrefixGains} would round it away.
 */
export class TreeGains implements ClusterGains {
  count = 0;
  readonly most = 0;
  readonly caution: number = 1 + 2 ** -44;
  /** Leaves; a power of two. */
  #size = 0;
  /** [2 · size, 4] by node: weight, least value, mean less that value, inertia. */
  #nodes = new Float64Array(0);

  /** Takes the points. */
  load(points: SortedPoints): void {
    const { count, values, weights } = points;
    this.count = count;
    const size = this.#size = 2 ** Math.ceil(Math.log2(count));
    if (this.#nodes.length < 8 * size) this.#nodes = new Float64Array(8 * size);
    const nodes = this.#nodes;
    nodes.fill(0);
    for (let i = 0; i < count; i++) {
      nodes[4 * (size + i)] = weights[i]!;
      nodes[4 * (size + i) + 1] = values[i]!;
    }
    for (let node = size - 1; node > 0; node--) {
      nodes.copyWithin(4 * node, 8 * node, 8 * node + 4);
      this.#append(nodes, 4 * node, 8 * node + 4);
    }
  }

  /** Where a query gathers its cluster. */
  readonly #gathered = new Float64Array(4);

  gain(from: number, to: number): number {
    const gathered = this.#gathered;
    gathered[0] = 0;
    for (let at = from; at < to;) {
      // The largest node that starts at this point and does not pass `to`.
      const start = at | this.#size;
      const height = 31 - Math.max(Math.clz32(start & -start), Math.clz32(to - at));
      const node = 4 * ((this.#size + at) >> height);
      if (at === from) { for (let part = 0; part < 4; part++) gathered[part] = this.#nodes[node + part]!; }
      else this.#append(gathered, 0, node);
      at += 1 << height;
    }
    return -gathered[3]!;
  }

  /** Joins the node at `right` to the cluster at `left` of `into`, which lies below it. */
  #append(into: Float64Array, left: number, right: number): void {
    const nodes = this.#nodes;
    const added = nodes[right]!;
    if (added === 0) return;
    // Means are kept from each cluster's least value, so that a narrow cluster far from 0 keeps its digits.
    const apart = (nodes[right + 1]! - into[left + 1]! - into[left + 2]!) + nodes[right + 2]!;
    const weight = into[left]! + added;
    const shift = apart * (added / weight);
    into[left + 3] = into[left + 3]! + nodes[right + 3]! + into[left]! * apart * shift;
    into[left + 2] = into[left + 2]! + shift;
    into[left] = weight;
  }
}
