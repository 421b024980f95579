/**
 * Exact one-dimensional k-means: lib/learn/exact_kmeans.ts, which says how and why, number for number.
 */
import { find, gain } from "./kmeans_path";
import { writeMeans } from "./kmeans_points";
import { CELLS, POINTS_PER_CELL, Workspace } from "./kmeans_workspace";

/** How far from the optimum rounding may lead, relative to the inertia. */
const TOLERANCE: f64 = 1e-9;

const ROUNDING: f64 = 1.0 / 9007199254740992; // 2^-53

/**
 * Prefix sums of the points, Σ w v high and low, Σ w high and low, of values taken from their weighted mean. Returns the sum
 * of gains when every point is its own cluster.
 */
function loadSums(w: Workspace): f64 {
  const count = w.count, values = w.values, weights = w.weights;
  const end = <usize> count << 3;
  let total: f64 = 0, moment: f64 = 0;
  for (let i: usize = 0; i < end; i += 8) {
    total += load<f64>(weights + i);
    moment += load<f64>(weights + i) * load<f64>(values + i);
  }
  const center = moment / total;
  // [Σ w v, Σ w], each by Knuth's two-sum.
  let high = f64x2.splat(0), low = f64x2.splat(0);
  let most: f64 = 0;
  let at = w.sums;
  v128.store(at, high);
  v128.store(at, high, 16);
  for (let i: usize = 0; i < end; i += 8) {
    const weight = load<f64>(weights + i);
    const value = load<f64>(values + i) - center;
    const term = weight * value;
    most += term * value;
    const added = f64x2.replace_lane(f64x2.splat(term), 1, weight);
    const sum = f64x2.add(high, added);
    const part = f64x2.sub(sum, high);
    low = f64x2.add(low, f64x2.add(f64x2.sub(high, f64x2.sub(sum, part)), f64x2.sub(added, part)));
    high = sum;
    at += 32;
    v128.store(at, v128.shuffle<f64>(high, low, 0, 2));
    v128.store(at, v128.shuffle<f64>(high, low, 1, 3), 16);
  }
  return most;
}

/** Sums of at most 2 · CELLS runs of points, in even steps by count and by value; returns how many runs. */
function loadCoarseSums(w: Workspace): i32 {
  const count = w.count, values = w.values, sums = w.sums, coarseSums = w.coarseSums;
  const cells = min(count / POINTS_PER_CELL, CELLS);
  const least = load<f64>(values);
  const stepsPerUnit = <f64> cells / (load<f64>(values + (<usize> count - 1 << 3)) - least);
  let runs: usize = 0;
  let last = 0;
  v128.store(coarseSums, v128.load(sums));
  v128.store(coarseSums, v128.load(sums, 16), 16);
  for (let i = 1; i <= count; i++) {
    const value = load<f64>(values + (<usize> i - 1 << 3));
    const cell = <i32> (<f64> i * cells / count) + <i32> ((value - least) * stepsPerUnit);
    if (cell == last) continue;
    last = cell;
    runs++;
    const from = sums + (<usize> i << 5), to = coarseSums + (runs << 5);
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
  return <i32> runs;
}

/** About the price per cluster at which k clusters are best. */
function guessPrice(w: Workspace, k: i32, most: f64): f64 {
  const price = 5.4 * most / (<f64> k * k * k);
  const runs = loadCoarseSums(w);
  if (runs <= k) return price;
  let coarseMost: f64 = 0;
  for (let i = 0; i < runs; i++) coarseMost += gain(w.coarseSums, i, i + 1);
  return find(w, w.coarseSums, runs, k, coarseMost, price);
}

/**
 * Writes the best k ≥ 2 centroids, f64, of the points. Returns false where rounding could matter beyond the tolerance: such
 * points need more care than this takes.
 */
export function fit(w: Workspace, k: i32, centroids: usize): bool {
  if (w.count <= k) {
    for (let c = 0; c < k; c++) {
      const value = load<f64>(w.values + (<usize> min(c, w.count - 1) << 3));
      store<f64>(centroids + (<usize> c << 3), value);
    }
    return true;
  }
  const most = loadSums(w);
  const price = find(w, w.sums, w.count, k, most, guessPrice(w, k, most));
  const inertia = writeMeans(w, k, centroids);
  return <f64> (k + 8) * ROUNDING * (most + <f64> k * price) <= TOLERANCE * inertia;
}
