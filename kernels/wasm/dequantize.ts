/**
 * Weights of any kind as float32.
 */
import { codeAt, rowBytes } from "./codes";
import { F16, F32, load1, load4, shiftOf } from "./dtype";
import { evens, odds, pairs, plane, zipHigh16, zipHigh8, zipLow16, zipLow8 } from "./planes";
import { madd, swizzle } from "./simd";
import { groupsOf, scaleAt, Weight, zeroAt } from "./weight";

/**
 * Columns [start, end) of row r as float32 at `out`, and zeros up to the next multiple of 32 columns, which room must be
 * there for; start is a multiple of 32.
 */
export function widenRow(out: usize, w: Weight, r: i32, start: i32, end: i32): void {
  const whole = w.groupSize % 32 == 0 || w.groupSize >= w.cols;
  if (w.bits == 0) widenDense(out, w, r, start, end);
  else if (w.bits == 8 || !whole) widenOne(out, w, r, start, end);
  else if (w.bits == 4) widenBlocks(out, w, r, start, end, 4);
  else if (w.bits == 3) widenBlocks(out, w, r, start, end, 3);
  else widenBlocks(out, w, r, start, end, 2);
  for (let c = end; c < (end + 31 & ~31); c++) store<f32>(out + (<usize> c - start << 2), 0);
}

/** out[r, c] = ŵ[r, c] for rows [from, to). */
export function dequantize(out: usize, w: Weight, from: i32, to: i32): void {
  for (let r = from; r < to; r++) {
    const row = out + (<usize> r * w.cols << 2);
    widenOne(row, w, r, 0, w.cols);
  }
}

/** out[t] = ŵ[ids[t]] for tokens [from, to) of a packed weight. */
export function embedPacked(out: usize, w: Weight, ids: usize, from: i32, to: i32): void {
  for (let t = from; t < to; t++) {
    widenOne(out + (<usize> t * w.cols << 2), w, load<i32>(ids + (<usize> t << 2)), 0, w.cols);
  }
}

function widenDense(out: usize, w: Weight, r: i32, start: i32, end: i32): void {
  const dtype = w.dtype;
  const row = w.data + (<usize> r * w.cols + start << shiftOf(dtype));
  const n = end - start;
  let c = 0;
  for (; c + 4 <= n; c += 4) {
    const at = row + (<usize> c << shiftOf(dtype));
    v128.store(out + (<usize> c << 2), dtype == F32 ? v128.load(at) : load4(at, dtype));
  }
  for (; c < n; c++) store<f32>(out + (<usize> c << 2), load1(row + (<usize> c << shiftOf(dtype)), dtype));
}

/** One code at a time: for any group size, and for tables too large to swizzle. */
function widenOne(out: usize, w: Weight, r: i32, start: i32, end: i32): void {
  const bits = w.bits, dtype = w.dtype;
  const groups = r * groupsOf(w);
  const row = w.data + <usize> r * rowBytes(w.cols, bits);
  const table = w.tables + <usize> r * w.tableStride;
  for (let c = start; c < end;) {
    const g = c / w.groupSize;
    const scale = scaleAt(w, groups + g);
    const zero = zeroAt(w, groups + g);
    for (const stop = min((g + 1) * w.groupSize, end); c < stop; c++) {
      const value = load1(table + (<usize> codeAt(row, c, bits) << shiftOf(dtype)), dtype);
      store<f32>(out + (<usize> c - start << 2), scale * value + zero);
    }
  }
}

/** 32 codes at a time: for groups of whole blocks. */
@inline
function widenBlocks(out: usize, w: Weight, r: i32, start: i32, end: i32, bits: i32): void {
  const groups = r * groupsOf(w);
  const table = w.tables + <usize> r * w.tableStride;
  const p0 = plane(table, w.dtype, 0), p1 = plane(table, w.dtype, 1);
  const p2 = plane(table, w.dtype, 2), p3 = plane(table, w.dtype, 3);
  let codes = w.data + <usize> r * rowBytes(w.cols, bits) + <usize> (start >> 5) * bits * 4;
  for (let c = start; c < end;) {
    const g = c / w.groupSize;
    const scale = f32x4.splat(scaleAt(w, groups + g));
    const zero = f32x4.splat(zeroAt(w, groups + g));
    for (const stop = min((g + 1) * w.groupSize, end); c < stop; c += 32) {
      const two = pairs(codes, bits);
      const even = evens(two, bits), odd = odds(two, bits);
      const target = out + (<usize> c - start << 2);
      widen16(target, p0, p1, p2, p3, zipLow8(even, odd), scale, zero);
      widen16(target + 64, p0, p1, p2, p3, zipHigh8(even, odd), scale, zero);
      codes += 4 * bits;
    }
  }
}

@inline
function widen16(
  out: usize,
  p0: v128,
  p1: v128,
  p2: v128,
  p3: v128,
  codes: v128,
  scale: v128,
  zero: v128,
): void {
  const b0 = swizzle(p0, codes), b1 = swizzle(p1, codes), b2 = swizzle(p2, codes), b3 = swizzle(p3, codes);
  const low = zipLow8(b0, b1), high = zipLow8(b2, b3);
  v128.store(out, madd(scale, zipLow16(low, high), zero));
  v128.store(out, madd(scale, zipHigh16(low, high), zero), 16);
  const low8 = zipHigh8(b0, b1), high8 = zipHigh8(b2, b3);
  v128.store(out, madd(scale, zipLow16(low8, high8), zero), 32);
  v128.store(out, madd(scale, zipHigh16(low8, high8), zero), 48);
}
