/**
 * Where the k-means of one thread keeps its numbers.
 */

/** Steps by count and by value in the coarse first look for the price, at most, and points for each. */
export const CELLS: i32 = 128;
export const POINTS_PER_CELL: i32 = 8;

/**
 * The head of a slot of scratch memory; arrays for n points follow it. A slot is a lock word (0 when free) and at most
 * 65536 + 128 · n bytes.
 */
@unmanaged
export class Workspace {
  lock: i32;
  /** How many distinct values there are. */
  count: i32;
  /** [count] f64, ascending. */
  values: usize;
  /** [count] f64, all positive. */
  weights: usize;
  /** [n] of a value f64 and a weight f64: points while they are sorted. */
  pairs: usize;
  otherPairs: usize;
  /** [2, 2048] i32. */
  digitCounts: usize;
  /** [count + 1, 4] f64, and those of the coarse look: prefix sums, see `loadSums`. */
  sums: usize;
  coarseSums: usize;
  /** [count + 1] f64 the largest gain, less the price of its clusters, of the points before here. */
  best: usize;
  /** [count + 1] i32 where the last of those clusters starts. */
  parent: usize;
  /** [count + 1] of a start i32, the first end for which it is best i32, and its gain there f64. */
  queue: usize;
  /** i32 ends of the best clusters, of a best clustering of fewer, and of one of more. */
  ends: usize;
  fewer: usize;
  more: usize;
}

/** Takes a free slot: there are as many as threads, so one is free. */
export function takeSlot(slots: usize, slotBytes: usize): Workspace {
  while (atomic.cmpxchg<i32>(slots, 0, 1) != 0) slots += slotBytes;
  return changetype<Workspace>(slots);
}

/** Gives a slot back. */
export function giveSlot(slot: Workspace): void {
  atomic.store<i32>(changetype<usize>(slot), 0);
}

/** Lays out the arrays of a slot for n points; returns the slot. */
export function layOut(w: Workspace, n: i32): Workspace {
  const points = <usize> n + 1;
  w.values = changetype<usize>(w) + 64;
  w.weights = w.values + 8 * points;
  w.best = w.weights + 8 * points;
  w.pairs = w.best + 8 * points + 8 & ~15;
  w.otherPairs = w.pairs + 16 * points;
  w.sums = w.otherPairs + 16 * points;
  w.queue = w.sums + 32 * points;
  w.parent = w.queue + 16 * points;
  w.ends = w.parent + 4 * points;
  w.fewer = w.ends + 4 * points;
  w.more = w.fewer + 4 * points;
  w.digitCounts = w.more + 4 * points;
  // The coarse look comes after the sort.
  w.coarseSums = w.digitCounts + 15 & ~15;
  return w;
}
