/**
 * A matrix of weights where it lies in memory, [rows, cols] = [out_features, in_features].
 */
import { load1, shiftOf } from "./dtype";

/** Fourteen words that say what a weight is; lib/compute/wasm/weight_image.ts writes them. */
@unmanaged
export class Weight {
  /** Bits of a code; 0 for a dense matrix. */
  bits: i32;
  rows: i32;
  cols: i32;
  /** Dense values, or packed codes. */
  data: usize;
  /** How dense values, or a table's values, are stored: see dtype.ts. */
  dtype: i32;
  /** Tables of 2^bits values. */
  tables: usize;
  /** Bytes from a row's table to the next row's; 0 where all rows share one. */
  tableStride: i32;
  /** Columns that share a scale. */
  groupSize: i32;
  /** [rows, ⌈cols / groupSize⌉]. */
  scales: usize;
  /** As many, or 0 for none. */
  zeros: usize;
  /** How scales and zeros are stored. */
  scaleType: i32;
  /** Tables in whole numbers, or 0: see lib/compute/wasm/rounded_codebooks.ts. */
  levels: usize;
  /** Bytes from a row's levels to the next row's; 0 where all rows share them. */
  levelStride: i32;
  /** [rows, groups, 2] float32, what levels stand for: see there. */
  factors: usize;
}

/** Groups in a row. */
@inline
export function groupsOf(w: Weight): i32 {
  return (w.cols + w.groupSize - 1) / w.groupSize;
}

/** Scale i of [rows, groups]. */
@inline
export function scaleAt(w: Weight, i: i32): f32 {
  return load1(w.scales + (<usize> i << shiftOf(w.scaleType)), w.scaleType);
}

/** Zero i of [rows, groups]. */
@inline
export function zeroAt(w: Weight, i: i32): f32 {
  if (w.zeros == 0) return 0;
  return load1(w.zeros + (<usize> i << shiftOf(w.scaleType)), w.scaleType);
}
