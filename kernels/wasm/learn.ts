/**
 * Tables learned for the rows of a matrix.
 */
import { fit } from "./kmeans";
import { mergePairs, putPair } from "./kmeans_points";
import { giveSlot, layOut, takeSlot, Workspace } from "./kmeans_workspace";

/** Magnitudes beyond 2^±200 are left to the caller: w · v² might overflow or vanish. */
const LARGEST: f64 = 1.6069380442589903e60;

@inline
function comfortable(magnitude: f64): bool {
  return magnitude == 0 || (magnitude < LARGEST && magnitude > 1 / LARGEST);
}

/** Rounds to the nearest half, ties to even, as Math.f16round does. */
@inline
export function f16round(x: f64): f64 {
  const exponent = <i64> (reinterpret<u64>(x) >> 52 & 0x7ff) - 1023;
  // The distance of halves near x, 2^unit, from the least normal exponent up.
  const unit = max<i64>(exponent, -14) - 10;
  const rounded = nearest(x * reinterpret<f64>(1023 - unit << 52)) * reinterpret<f64>(1023 + unit << 52);
  return abs(rounded) > 65504 ? copysign<f64>(Infinity, x) : rounded;
}

/** The points of a row: (w − zero) / scale, weighted by column · group. Returns false when they are extreme. */
function loadRow(
  w: Workspace, data: usize, scales: usize, zeros: usize, columnWeights: usize, groupWeights: usize,
  cols: i32, groupSize: i32, r: i32,
): bool {
  const row = data + (<usize> r * cols << 2);
  let least: f64 = Infinity, most: f64 = -Infinity, heaviest: f64 = 0;
  let group = <usize> r * ((cols + groupSize - 1) / groupSize);
  for (let start = 0; start < cols; start += groupSize, group++) {
    const scale = <f64> load<f32>(scales + (group << 2));
    const zero = zeros ? <f64> load<f32>(zeros + (group << 2)) : 0;
    const groupWeight = load<f64>(groupWeights + (group << 3));
    const end = min(start + groupSize, cols);
    for (let c = start; c < end; c++) {
      const value = scale == 0 ? 0 : (<f64> load<f32>(row + (<usize> c << 2)) - zero) / scale;
      const weight = load<f64>(columnWeights + (<usize> c << 3)) * groupWeight;
      least = min(least, value);
      most = max(most, value);
      heaviest = max(heaviest, weight);
      putPair(w, c, value, weight);
    }
  }
  // max() lets NaN through.
  if (!comfortable(max(-least, most)) || !comfortable(heaviest)) return false;
  mergePairs(w, cols, least, most, heaviest == 0);
  return true;
}

/**
 * Learns the tables of rows [from, to), k float32 values each, by exact k-means; rounded to halves where `half`. A table
 * whose first value is NaN is left to the caller.
 *
 * data f32 [rows, cols]; scales and zeros (or 0) f32 and groupWeights f64 [rows, groups]; columnWeights f64 [cols];
 * `slots` a slot of scratch for each thread, its first word 0, of 65536 + 128 · cols bytes or more.
 */
export function learnTables(
  tables: usize, data: usize, scales: usize, zeros: usize, columnWeights: usize, groupWeights: usize,
  cols: i32, groupSize: i32, k: i32, half: i32, slots: usize, slotBytes: usize, from: i32, to: i32,
): void {
  const w = takeSlot(slots, slotBytes);
  // Sorting is over when centroids come.
  const centroids = layOut(w, cols).digitCounts;
  for (let r = from; r < to; r++) {
    const table = tables + (<usize> r * k << 2);
    const done = loadRow(w, data, scales, zeros, columnWeights, groupWeights, cols, groupSize, r) &&
      fit(w, k, centroids);
    for (let c = 0; c < k; c++) {
      const value = load<f64>(centroids + (<usize> c << 3));
      store<f32>(table + (<usize> c << 2), <f32> (half ? f16round(value) : value));
    }
    if (!done) store<f32>(table, NaN);
  }
  giveSlot(w);
}
