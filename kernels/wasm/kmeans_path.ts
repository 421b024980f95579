/**
 * The best way to cut a line of points into exactly k clusters: the search of lib/learn/k_link_path.ts, which says how and
 * why, number for number.
 */
import { Workspace } from "./kmeans_workspace";

/** Address of the sums before point i. */
@inline
function at(sums: usize, i: i32): usize {
  return sums + (<usize> i << 5);
}

@inline
function int(array: usize, i: i32): i32 {
  return load<i32>(array + (<usize> i << 2));
}

/** The gain of the cluster [from, to): (Σ w v)² / Σ w. */
@inline
export function gain(sums: usize, from: i32, to: i32): f64 {
  const a = at(sums, from), b = at(sums, to);
  const moment = (load<f64>(b) - load<f64>(a)) + (load<f64>(b, 8) - load<f64>(a, 8));
  const weight = (load<f64>(b, 16) - load<f64>(a, 16)) + (load<f64>(b, 24) - load<f64>(a, 24));
  return moment * moment / weight;
}

/** High and low parts of two sums, added: [a0 + a1, b0 + b1]. */
@inline
function joined(a: v128, b: v128): v128 {
  return f64x2.add(v128.shuffle<f64>(a, b, 0, 2), v128.shuffle<f64>(a, b, 1, 3));
}

/** Gains of the clusters that start at a and b, given as their two pairs of sums, and end before point `to`. */
@inline
function gains(sums: usize, to: i32, a1: v128, a0: v128, b1: v128, b0: v128): v128 {
  const end1 = v128.load(at(sums, to)), end0 = v128.load(at(sums, to), 16);
  const moments = joined(f64x2.sub(end1, a1), f64x2.sub(end1, b1));
  const weights = joined(f64x2.sub(end0, a0), f64x2.sub(end0, b0));
  return f64x2.div(f64x2.mul(moments, moments), weights);
}

/** The best clustering of n points at a price per cluster, in `parent`; returns its number of clusters. */
function pass(w: Workspace, sums: usize, n: i32, price: f64): i32 {
  const best = w.best, parent = w.parent;
  const head0 = w.queue;
  store<f64>(best, 0);
  store<i32>(head0, 0);
  store<i32>(head0, 1, 4);
  store<f64>(head0, gain(sums, 0, 1), 8);
  let head = head0, tail = head0;
  for (let i = 1;; i++) {
    // Added without a branch, which would be hard to foresee.
    head += <usize> (i32(head < tail) & i32(load<i32>(head, 16 + 4) == i)) << 4;
    const start = load<i32>(head);
    const here = load<f64>(best + (<usize> start << 3)) + gain(sums, start, i) - price;
    store<f64>(best + (<usize> i << 3), here);
    store<i32>(parent + (<usize> i << 2), start);
    if (i == n) break;

    // Now i is a start too. It drives out those at the tail that it beats from their first end on …
    while (load<i32>(tail, 4) > i && here + gain(sums, i, load<i32>(tail, 4)) > load<f64>(tail, 8)) tail -= 16;
    // … and takes over from the one left there at some end above `low`: gallop to it, then bisect.
    const rival = load<i32>(tail);
    const before = f64x2.replace_lane(f64x2.splat(here), 1, load<f64>(best + (<usize> rival << 3)));
    const a1 = v128.load(at(sums, i)), a0 = v128.load(at(sums, i), 16);
    const b1 = v128.load(at(sums, rival)), b0 = v128.load(at(sums, rival), 16);
    let low = max(load<i32>(tail, 4), i);
    let high = n + 1;
    let gainHigh: f64 = 0;
    for (let step = 1; low < n; step <<= 1) {
      const end = min(low + step, n);
      const both = f64x2.add(before, gains(sums, end, a1, a0, b1, b0));
      if (f64x2.extract_lane(both, 0) > f64x2.extract_lane(both, 1)) {
        high = end;
        gainHigh = f64x2.extract_lane(both, 0);
        break;
      }
      low = end;
    }
    if (high > n) continue;
    while (high - low > 1) {
      const end = low + high >>> 1;
      const both = f64x2.add(before, gains(sums, end, a1, a0, b1, b0));
      if (f64x2.extract_lane(both, 0) > f64x2.extract_lane(both, 1)) {
        high = end;
        gainHigh = f64x2.extract_lane(both, 0);
      } else {
        low = end;
      }
    }
    tail += 16;
    store<i32>(tail, i);
    store<i32>(tail, high, 4);
    store<f64>(tail, gainHigh, 8);
  }
  let clusters = 0;
  for (let i = n; i > 0; i = int(parent, i)) clusters++;
  return clusters;
}

/** Writes the ends of the clusters that the last pass found. */
function trace(w: Workspace, n: i32, clusters: i32, ends: usize): void {
  for (let c = clusters, i = n; c >= 0; c--) {
    store<i32>(ends + (<usize> c << 2), i);
    i = int(w.parent, i);
  }
}

/** A clustering of k clusters from two that are best at the same price, one of fewer and one of more. */
function join(w: Workspace, k: i32, fewer: i32): void {
  const ahead = k - fewer;
  let c = 0;
  while (int(w.more, c + ahead + 1) > int(w.fewer, c + 1)) c++;
  for (let i = 0; i <= k; i++) {
    store<i32>(w.ends + (<usize> i << 2), i <= c + ahead ? int(w.more, i) : int(w.fewer, i - ahead));
  }
}

/**
 * Finds the best k ≥ 2 clusters of n > k points, whose sums are given and whose gains sum to `most` when each is its own
 * cluster; writes `ends`. Returns a price per cluster at which they are best; `price` is a guess.
 */
export function find(w: Workspace, sums: usize, n: i32, k: i32, most: f64, price: f64): f64 {
  let fewer = 1, more = n;
  let fewerGain = gain(sums, 0, n), moreGain = most;
  let fewerPrice: f64 = Infinity, morePrice: f64 = 0;
  store<i32>(w.fewer, 0);
  store<i32>(w.fewer, n, 4);
  for (let i = 0; i <= n; i++) store<i32>(w.more + (<usize> i << 2), i);
  let tries = 0;
  while (true) {
    // The price at which both sides are worth the same: it parts them if anything between them is better than both.
    const even = tries++ > 5 || more - fewer <= 3 || !(price > morePrice && price < fewerPrice);
    if (even) price = (moreGain - fewerGain) / (more - fewer);
    const clusters = pass(w, sums, n, price);
    if (clusters == k) {
      trace(w, n, k, w.ends);
      return price;
    }
    if (even && !(clusters > fewer && clusters < more)) {
      join(w, k, fewer);
      return price;
    }
    const ends = clusters < k ? w.fewer : w.more;
    trace(w, n, clusters, ends);
    let total: f64 = 0;
    for (let c = 0; c < clusters; c++) total += gain(sums, int(ends, c), int(ends, c + 1));
    if (clusters < k) {
      fewer = clusters;
      fewerGain = total;
      fewerPrice = price;
    } else {
      more = clusters;
      moreGain = total;
      morePrice = price;
    }
    // Inertia falls about as 1 / m², so the price of a cluster, its slope, falls about as 1 / m³.
    const ratio = <f64> clusters / k;
    price *= ratio * ratio * ratio;
  }
}
