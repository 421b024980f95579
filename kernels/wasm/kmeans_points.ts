/**
 * Weighted numbers made ready for one-dimensional clustering: sorted, equal ones merged.
 */
import { DIGIT, DIGITS, RADIX, Workspace } from "./kmeans_workspace";

/** The lowest digit of the first sort, which leaves what lies below it to insertion. */
const FIRST_DIGIT: i32 = 3;

/** Neighbours out of order that insertion may find. */
const FEW: i32 = 256;

/** Where digit d starts; the top one ends at bit 63. */
@inline
function shiftOf(d: i32): i32 {
  return max(0, 64 - DIGIT * (DIGITS - d));
}

/** Digit d of a key. */
@inline
function digit(key: u64, d: i32): usize {
  return <usize> (key >> shiftOf(d)) & (RADIX - 1);
}

/** Stores point i. The bits of doubles sort as unsigned numbers once negative ones are inverted and the others' sign is set. */
@inline
export function putPair(w: Workspace, i: i32, value: f64, weight: f64): void {
  const bits = reinterpret<i64>(value);
  const at = w.pairs + (<usize> i << 4);
  store<i64>(at, bits ^ (bits >> 63 | i64.MIN_VALUE));
  store<f64>(at, weight, 8);
}

/** The value that a key stands for. */
@inline
function valueOf(key: i64): f64 {
  return reinterpret<f64>(key ^ (~key >> 63 | i64.MIN_VALUE));
}

/** Sorts the n pairs, equal ones in their order, from digit `first` up. */
function radixSort(w: Workspace, n: i32, first: i32): void {
  const counts = w.digitCounts;
  memory.fill(counts, 0, DIGITS * RADIX << 2);
  const end = w.pairs + (<usize> n << 4);
  for (let at = w.pairs; at < end; at += 16) {
    const key = load<u64>(at);
    for (let d = first; d < DIGITS; d++) {
      const place = counts + (<usize> (d * RADIX) + digit(key, d) << 2);
      store<i32>(place, load<i32>(place) + 1);
    }
  }
  for (let d = first; d < DIGITS; d++) {
    const starts = counts + (<usize> (d * RADIX) << 2);
    if (load<i32>(starts + (digit(load<u64>(w.pairs), d) << 2)) == n) continue;
    let sum = w.otherPairs;
    for (let place = starts; place < starts + (RADIX << 2); place += 4) {
      const count = load<i32>(place);
      store<usize>(place, sum);
      sum += <usize> count << 4;
    }
    const from = w.pairs;
    for (let at = from; at < from + (<usize> n << 4); at += 16) {
      const place = starts + (digit(load<u64>(at), d) << 2);
      const to = load<usize>(place);
      v128.store(to, v128.load(at));
      store<usize>(place, to + 16);
    }
    w.pairs = w.otherPairs;
    w.otherPairs = from;
  }
}

/** Sorts the n pairs, equal ones in their order. */
function sortPairs(w: Workspace, n: i32): void {
  radixSort(w, n, FIRST_DIGIT);
  const end = w.pairs + (<usize> n << 4);
  let descents = 0;
  for (let at = w.pairs + 16; at < end; at += 16) {
    descents += i32(load<u64>(at) < load<u64>(at - 16));
  }
  if (descents > FEW) return radixSort(w, n, 0);
  if (descents == 0) return;
  for (let at = w.pairs + 16; at < end; at += 16) {
    const pair = v128.load(at);
    const key = load<u64>(at);
    let place = at;
    for (; place > w.pairs && load<u64>(place - 16) > key; place -= 16) {
      v128.store(place, v128.load(place - 16));
    }
    v128.store(place, pair);
  }
}

/** Makes the sorted points from n pairs; where `alike`, every weight counts as 1. */
export function mergePairs(w: Workspace, n: i32, alike: bool): void {
  sortPairs(w, n);
  const values = w.values, weights = w.weights;
  let count: usize = 0;
  let last: f64 = NaN;
  const end = w.pairs + (<usize> n << 4);
  for (let at = w.pairs; at < end; at += 16) {
    const weight = alike ? <f64> 1 : load<f64>(at, 8);
    if (weight == 0) continue;
    const value = valueOf(load<i64>(at));
    if (value == last) {
      const place = weights + (count - 1 << 3);
      store<f64>(place, load<f64>(place) + weight);
    } else {
      store<f64>(values + (count << 3), value);
      store<f64>(weights + (count << 3), weight);
      last = value;
      count++;
    }
  }
  w.count = <i32> count;
}

/**
 * Writes the means of k clusters, f64, each computed from its members; cluster c holds the points [ends[c], ends[c + 1]).
 * Returns their inertia.
 */
export function writeMeans(w: Workspace, k: i32, centroids: usize): f64 {
  let inertia: f64 = 0;
  for (let c = 0; c < k; c++) {
    const from = <usize> load<i32>(w.ends + (<usize> c << 2)) << 3;
    const to = <usize> load<i32>(w.ends + (<usize> c + 1 << 2)) << 3;
    // Taken from the cluster's least value, so that a narrow cluster far from 0 keeps its digits.
    const first = load<f64>(w.values + from);
    let weight: f64 = 0, moment: f64 = 0;
    for (let i = from; i < to; i += 8) {
      weight += load<f64>(w.weights + i);
      moment += load<f64>(w.weights + i) * (load<f64>(w.values + i) - first);
    }
    const mean = min(first + moment / weight, load<f64>(w.values + to - 8));
    store<f64>(centroids + (<usize> c << 3), mean);
    for (let i = from; i < to; i += 8) {
      const off = load<f64>(w.values + i) - mean;
      inertia += load<f64>(w.weights + i) * off * off;
    }
  }
  return inertia;
}
