/**
 * The best way to cut a line of points into exactly k clusters.
 *
 * @module
 */
import type { ClusterGains } from "./cluster_gains.ts";

/** A best clustering of its own number of clusters, as one side of the search for k. */
interface Side {
  /** Number of clusters. */
  clusters: number;
  /** The sum of their gains. */
  gain: number;
  /** A price per cluster at which this clustering is best. */
  price: number;
  /** [clusters + 1]: cluster c holds the points [ends[c], ends[c + 1]). */
  ends: Int32Array;
}

/**
 * Finds k consecutive clusters with the largest sum of gains.
 *
 * Inertia in one dimension obeys the quadrangle inequality gain(a, c) + gain(b, d) ≥ gain(a, d) + gain(b, c) for
 * a ≤ b ≤ c ≤ d, so the largest gain of m clusters is concave in m: there is a price per cluster at which k clusters
 * are a best clustering among those of any number (Aggarwal, Schieber and Tokuyama 1994; for k-means, Grønlund et al.
 * 2017, section 5). At a given price one pass over the points finds the best clustering; the search for the price takes
 * one to three passes as a rule, where dynamic programming over k layers takes k. If k is passed over at the one price
 * where several numbers of clusters tie, a best k-clustering is put together from the two on either side.
 */
export class KLinkPath {
  /** [k + 1]: cluster c of the best clustering holds the points [ends[c], ends[c + 1]). */
  readonly ends: Int32Array;

  readonly #k: number;
  readonly #fewer: Side = { clusters: 1, gain: 0, price: Infinity, ends: new Int32Array(0) };
  readonly #more: Side = { clusters: 1, gain: 0, price: 0, ends: new Int32Array(0) };
  /** [points + 1] the largest gain, less the price of its clusters, of the points before here. */
  #best = new Float64Array(0);
  /** [points + 1] where the last of those clusters starts. */
  #parent = new Int32Array(0);
  /** Starts of the last cluster that are best for some later end, each from one end onwards up to the next one's. */
  #queue = new Int32Array(0);
  #from = new Int32Array(0);
  #gainThere = new Float64Array(0);

  constructor(k: number) {
    this.#k = k;
    this.ends = new Int32Array(k + 1);
  }

  /** Allocates buffers for a number of points. */
  reserve(points: number): void {
    if (points < this.#best.length) return;
    this.#best = new Float64Array(points + 1);
    this.#parent = new Int32Array(points + 1);
    this.#queue = new Int32Array(points + 1);
    this.#from = new Int32Array(points + 1);
    this.#gainThere = new Float64Array(points + 1);
    this.#fewer.ends = new Int32Array(points + 1);
    this.#more.ends = new Int32Array(points + 1);
  }

  /**
   * Finds the best k clusters of more than k points; see {@linkcode ends}.
   *
   * @param price a guess, positive.
   * @returns a price per cluster at which they are best.
   */
  find(gains: ClusterGains, price: number): number {
    const k = this.#k;
    const fewer = this.#fewer;
    const more = this.#more;
    const n = gains.count;
    this.reserve(n);
    fewer.clusters = 1;
    fewer.gain = gains.gain(0, n);
    fewer.price = Infinity;
    fewer.ends[0] = 0;
    fewer.ends[1] = n;
    more.clusters = n;
    more.gain = gains.most;
    more.price = 0;
    for (let i = 0; i <= n; i++) more.ends[i] = i;
    if (k === 1) {
      this.ends.set(fewer.ends.subarray(0, 2));
      return Infinity;
    }
    for (let tries = 0;; tries++) {
      // The price at which both sides are worth the same: it parts them if anything between them is better than both.
      const even = tries > 5 || more.clusters - fewer.clusters <= 3 ||
        !(price > more.price && price < fewer.price);
      if (even) price = (more.gain - fewer.gain) / (more.clusters - fewer.clusters);
      const clusters = this.#pass(gains, price);
      if (clusters === k) {
        this.#trace(n, k, this.ends);
        return price;
      }
      if (even && !(clusters > fewer.clusters && clusters < more.clusters)) {
        this.#join();
        return price;
      }
      const side = clusters < k ? fewer : more;
      side.clusters = clusters;
      side.price = price;
      this.#trace(n, clusters, side.ends);
      side.gain = 0;
      for (let c = 0; c < clusters; c++) side.gain += gains.gain(side.ends[c]!, side.ends[c + 1]!);
      // Inertia falls about as 1 / m², so the price of a cluster, its slope, falls about as 1 / m³.
      const ratio = clusters / k;
      price *= ratio * ratio * ratio;
    }
  }

  /**
   * The best clustering at a price per cluster, in {@linkcode KLinkPath.#parent}; returns its number of clusters.
   *
   * best[i] = max over j < i of best[j] + gain(j, i) − price. By the quadrangle inequality a later start j, once better
   * than an earlier one for some end i, stays better, so the starts worth keeping form a queue.
   */
  #pass(gains: ClusterGains, price: number): number {
    const n = gains.count;
    const best = this.#best;
    const parent = this.#parent;
    const queue = this.#queue;
    const from = this.#from;
    const gainThere = this.#gainThere;
    const { caution } = gains;
    best[0] = 0;
    queue[0] = 0;
    from[0] = 1;
    gainThere[0] = gains.gain(0, 1);
    let head = 0;
    let tail = 0;
    for (let i = 1;; i++) {
      if (head < tail && from[head + 1] === i) head++;
      const start = queue[head]!;
      const here = best[start]! + gains.gain(start, i) - price;
      best[i] = here;
      parent[i] = start;
      if (i === n) break;

      // Now i is a start too. It drives out those at the tail that it beats from their first end on …
      while (from[tail]! > i && here + gains.gain(i, from[tail]!) > gainThere[tail]! * caution) tail--;
      // … and takes over from the one left there at some end above `low`: gallop to it, then bisect.
      const rival = queue[tail]!;
      const rivalBest = best[rival]!;
      let low = Math.max(from[tail]!, i);
      let high = n + 1;
      let gainHigh = 0;
      for (let step = 1; low < n; step *= 2) {
        const end = Math.min(low + step, n);
        const gain = here + gains.gain(i, end);
        if (gain > (rivalBest + gains.gain(rival, end)) * caution) {
          high = end;
          gainHigh = gain;
          break;
        }
        low = end;
      }
      if (high > n) continue;
      while (high - low > 1) {
        const end = (low + high) >>> 1;
        const gain = here + gains.gain(i, end);
        if (gain > (rivalBest + gains.gain(rival, end)) * caution) {
          high = end;
          gainHigh = gain;
        } else {
          low = end;
        }
      }
      tail++;
      queue[tail] = i;
      from[tail] = high;
      gainThere[tail] = gainHigh;
    }
    let clusters = 0;
    for (let i = n; i > 0; i = parent[i]!) clusters++;
    return clusters;
  }

  /** Writes the ends of the clusters that the last pass found. */
  #trace(n: number, clusters: number, ends: Int32Array): void {
    for (let c = clusters, i = n; c >= 0; c--, i = this.#parent[i]!) ends[c] = i;
  }

  /**
   * A clustering of k clusters from two that are best at the same price, one of fewer and one of more: where a cluster
   * of the latter lies within one of the former, and is k − fewer places further on, take the latter's clusters before
   * it and the former's behind it. By the quadrangle inequality that is best at that price too (Aggarwal et al., lemma 6).
   */
  #join(): void {
    const few = this.#fewer.ends;
    const many = this.#more.ends;
    const ahead = this.#k - this.#fewer.clusters;
    let c = 0;
    while (many[c + ahead + 1]! > few[c + 1]!) c++;
    for (let i = 0; i <= this.#k; i++) this.ends[i] = i <= c + ahead ? many[i]! : few[i - ahead]!;
  }
}
