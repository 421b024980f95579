/**
 * Weighted numbers made ready for one-dimensional clustering: sorted, equal ones merged.
 */
import { Workspace } from "./kmeans_workspace";

/** Stores point i. */
@inline
export function putPair(w: Workspace, i: i32, value: f64, weight: f64): void {
  const at = w.pairs + (<usize> i << 4);
  store<f64>(at, value);
  store<f64>(at, weight, 8);
}

/** The bits of doubles sort as unsigned numbers once negative ones are inverted and the others' sign is set. */
@inline
function keyAt(at: usize): u64 {
  const bits = load<i64>(at);
  return bits ^ (bits >> 63 | i64.MIN_VALUE);
}

/** Turns the counts of digits into where each goes. */
@inline
function startsFromCounts(counts: usize, radix: i32, to: usize): void {
  for (let place = counts; place < counts + (<usize> radix << 2); place += 4) {
    const count = load<i32>(place);
    store<usize>(place, to);
    to += <usize> count << 4;
  }
}

@inline
function count(place: usize): void {
  store<i32>(place, load<i32>(place) + 1);
}

/** Moves a pair to where its digit's next goes. */
@inline
function move(at: usize, place: usize): void {
  const to = load<usize>(place);
  v128.store(to, v128.load(at));
  store<usize>(place, to + 16);
}

/** Sorts the n pairs by even steps of value between `least` and `most`, in two digits. */
function sortBySteps(w: Workspace, n: i32, least: f64, most: f64): void {
  const bits = n < 1024 ? 8 : 11;
  const radix = 1 << bits;
  const scale = <f64> ((1 << 2 * bits) - 1) / (most - least);
  const low = w.digitCounts, high = low + (<usize> radix << 2);
  memory.fill(low, 0, radix << 3);
  let from = w.pairs, to = w.otherPairs;
  const bytes = <usize> n << 4;
  for (let at = from; at < from + bytes; at += 16) {
    const step = <usize> ((load<f64>(at) - least) * scale);
    count(low + ((step & (radix - 1)) << 2));
    count(high + (step >> bits << 2));
  }
  startsFromCounts(low, radix, to);
  for (let at = from; at < from + bytes; at += 16) {
    const step = <usize> ((load<f64>(at) - least) * scale);
    move(at, low + ((step & (radix - 1)) << 2));
  }
  startsFromCounts(high, radix, from);
  for (let at = to; at < to + bytes; at += 16) {
    const step = <usize> ((load<f64>(at) - least) * scale);
    move(at, high + (step >> bits << 2));
  }
}

/** Sorts the n pairs by all bits of their values, in eight digits: slower, whatever the values. */
function sortByBits(w: Workspace, n: i32): void {
  const counts = w.digitCounts;
  const bytes = <usize> n << 4;
  for (let shift = 0; shift < 64; shift += 8) {
    const from = w.pairs;
    memory.fill(counts, 0, 1024);
    for (let at = from; at < from + bytes; at += 16) count(counts + (<usize> (keyAt(at) >> shift & 255) << 2));
    startsFromCounts(counts, 256, w.otherPairs);
    for (let at = from; at < from + bytes; at += 16) move(at, counts + (<usize> (keyAt(at) >> shift & 255) << 2));
    w.pairs = w.otherPairs;
    w.otherPairs = from;
  }
}

/** Sorts n pairs that are nearly in order; returns false, with some of the work done, where they are not. */
function sortByInsertion(w: Workspace, n: i32): bool {
  const start = w.pairs;
  let moves = 0;
  let last: u64 = 0;
  for (let at = start; at < start + (<usize> n << 4); at += 16) {
    const key = keyAt(at);
    if (key >= last) {
      last = key;
      continue;
    }
    const pair = v128.load(at);
    let place = at;
    do {
      v128.store(place, v128.load(place - 16));
      place -= 16;
      moves++;
    } while (place > start && keyAt(place - 16) > key);
    v128.store(place, pair);
    if (moves > 4 * n) return false;
  }
  return true;
}

/** Sorts the n pairs, equal ones in their order, by values from `least` to `most`. */
function sortPairs(w: Workspace, n: i32, least: f64, most: f64): void {
  if (least < most) sortBySteps(w, n, least, most);
  if (!sortByInsertion(w, n)) sortByBits(w, n);
}

/** Makes the sorted points from n pairs with values from `least` to `most`; where `alike`, every weight counts as 1. */
export function mergePairs(w: Workspace, n: i32, least: f64, most: f64, alike: bool): void {
  sortPairs(w, n, least, most);
  const values = w.values, weights = w.weights;
  let points: usize = 0;
  let last: f64 = NaN;
  const end = w.pairs + (<usize> n << 4);
  for (let at = w.pairs; at < end; at += 16) {
    const weight = alike ? <f64> 1 : load<f64>(at, 8);
    if (weight == 0) continue;
    const value = load<f64>(at);
    if (value == last) {
      const place = weights + (points - 1 << 3);
      store<f64>(place, load<f64>(place) + weight);
    } else {
      store<f64>(values + (points << 3), value);
      store<f64>(weights + (points << 3), weight);
      last = value;
      points++;
    }
  }
  w.count = <i32> points;
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
