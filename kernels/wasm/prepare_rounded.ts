/**
 * Activations in whole numbers, for the products of matvec_rounded.ts and matmul_rounded.ts: blocks of 32 columns, each with a
 * step of its own; of each block the even columns come first, as packed codes are looked up.
 */
import { zipLow32 } from "./planes";
import { fewLanes, largest, storeTurned, sum, sums as sumsOf } from "./simd";

/** Bytes of a block of 16 bits: 32 values, and where in it the step is, a float32. */
export const RECORD16: usize = 80, STEP16: usize = 64;
/** The same of 8 bits, and where Σ −64 · value is, an i32: levels of 8 bits lie 64 above what they stand for. */
export const RECORD8: usize = 48, STEP8: usize = 32, SUM8: usize = 36;
/** The same of four tokens: four columns of each side by side. */
export const RECORD4: usize = 160, SUMS4: usize = 128, STEPS4: usize = 144;

/**
 * Twice the largest value rounded to 16 bits, and the most that the magnitudes of 8 that meet in a lane may add up to before
 * they are rounded: after that they stay below 65536.
 */
const MOST16: f32 = 65520;
/** The largest value rounded to 8 bits. */
const MOST8: f32 = 127;
/** Added to a float32 below 2^22 it leaves the nearest whole number, ties to even, in the low bits. */
const ROUNDER: f32 = 12582912;

/**
 * x, [tokens, cols], as step · out[t, c], 16 bits each, for tokens [from, to); zeros fill the last block. sums[t, g] is the sum
 * of x over a group, which is whole blocks, or the only one.
 */
export function prepareInt16(
  out: usize,
  sums: usize,
  x: usize,
  cols: i32,
  groupSize: i32,
  from: i32,
  to: i32,
): void {
  for (let t = from; t < to; t++) prepare(out, sums, x, cols, groupSize, t, 2);
}

/** The same with bytes of at most ±127. */
export function prepareInt8(
  out: usize,
  sums: usize,
  x: usize,
  cols: i32,
  groupSize: i32,
  from: i32,
  to: i32,
): void {
  for (let t = from; t < to; t++) prepare(out, sums, x, cols, groupSize, t, 1);
}

/**
 * Blocks of four tokens, for the product of many: for items [from, to) of four, from blocks of prepareInt8. If tokens are missing
 * the last stands again.
 */
export function packFours(out: usize, x: usize, tokens: i32, cols: i32, from: i32, to: i32): void {
  const blocks = <usize> (cols + 31 >> 5);
  const row = blocks * RECORD8;
  out += <usize> from * blocks * RECORD4;
  for (let item = from; item < to; item++) {
    const left = tokens - 1 - 4 * item;
    let a = x + <usize> (4 * item) * row;
    let b = a + row * min(1, left), c = a + row * min(2, left), d = a + row * min(3, left);
    for (const end = a + row; a < end; a += RECORD8) {
      storeTurned(out, 16, v128.load(a), v128.load(b), v128.load(c), v128.load(d));
      storeTurned(out + 64, 16, v128.load(a, 16), v128.load(b, 16), v128.load(c, 16), v128.load(d, 16));
      const steps = zipLow32(v128.load64_zero(a, STEP8), v128.load64_zero(b, STEP8));
      const more = zipLow32(v128.load64_zero(c, STEP8), v128.load64_zero(d, STEP8));
      v128.store(out, v128.shuffle<i64>(steps, more, 0, 2), STEPS4);
      v128.store(out, v128.shuffle<i64>(steps, more, 1, 3), SUMS4);
      b += RECORD8;
      c += RECORD8;
      d += RECORD8;
      out += RECORD4;
    }
  }
}

/** @param bytes of a rounded value. */
@inline
function prepare(out: usize, sums: usize, x: usize, cols: i32, groupSize: i32, t: i32, bytes: i32): void {
  const record = bytes == 2 ? RECORD16 : RECORD8;
  const blocks = <usize> (cols + 31 >> 5);
  const perGroup = <usize> (groupSize + 31 >> 5) * record;
  const groups = (cols + groupSize - 1) / groupSize;
  let row = x + (<usize> t * cols << 2);
  let target = out + <usize> t * blocks * record;
  const end = target + blocks * record;
  let place = sums + (<usize> t * groups << 2);
  for (let c = cols; target < end; place += 4) {
    let plain = f32x4.splat(0);
    for (const stop = min(target + perGroup, end); target < stop; target += record) {
      let v0: v128, v1: v128, v2: v128, v3: v128, v4: v128, v5: v128, v6: v128, v7: v128;
      if (c >= 32) {
        v0 = v128.load(row);
        v1 = v128.load(row, 16);
        v2 = v128.load(row, 32);
        v3 = v128.load(row, 48);
        v4 = v128.load(row, 64);
        v5 = v128.load(row, 80);
        v6 = v128.load(row, 96);
        v7 = v128.load(row, 112);
      } else {
        v0 = fewLanes(row, c);
        v1 = fewLanes(row + 16, c - 4);
        v2 = fewLanes(row + 32, c - 8);
        v3 = fewLanes(row + 48, c - 12);
        v4 = fewLanes(row + 64, c - 16);
        v5 = fewLanes(row + 80, c - 20);
        v6 = fewLanes(row + 96, c - 24);
        v7 = fewLanes(row + 112, c - 28);
      }
      const low = f32x4.add(f32x4.add(v0, v1), f32x4.add(v2, v3));
      const high = f32x4.add(f32x4.add(v4, v5), f32x4.add(v6, v7));
      plain = f32x4.add(plain, f32x4.add(low, high));
      const most = mostAbs(v0, v1, v2, v3, v4, v5, v6, v7);
      if (bytes == 2) {
        // Columns 4i … 4i + 3 and 16 + 4i … 16 + 4i + 3 meet in lane i.
        const lanes = sumsOf(bothAbs(v0, v4), bothAbs(v1, v5), bothAbs(v2, v6), bothAbs(v3, v7));
        const range = largest(f32x4.pmax(lanes, f32x4.add(most, most)));
        store<f32>(target, range / MOST16, STEP16);
        const factor = f32x4.splat(range == 0 ? 0 : MOST16 / range);
        store16(target, v0, v1, factor);
        store16(target + 8, v2, v3, factor);
        store16(target + 16, v4, v5, factor);
        store16(target + 24, v6, v7, factor);
      } else {
        const range = largest(most);
        store<f32>(target, range / MOST8, STEP8);
        const factor = f32x4.splat(range == 0 ? 0 : MOST8 / range);
        const a = eight(v0, v1, factor), b = eight(v2, v3, factor);
        const d = eight(v4, v5, factor), e = eight(v6, v7, factor);
        const four = i32x4.extadd_pairwise_i16x8_s(i16x8.add(i16x8.add(a, b), i16x8.add(d, e)));
        const two = i32x4.add(four, v128.shuffle<i32>(four, four, 2, 3, 0, 1));
        store<i32>(target, -64 * (i32x4.extract_lane(two, 0) + i32x4.extract_lane(two, 1)), SUM8);
        const left = i8x16.narrow_i16x8_s(a, b), right = i8x16.narrow_i16x8_s(d, e);
        v128.store(
          target,
          v128.shuffle<i8>(left, right, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
        );
        v128.store(
          target,
          v128.shuffle<i8>(left, right, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31),
          16,
        );
      }
      row += 128;
      c -= 32;
    }
    store<f32>(place, sum(plain));
  }
}

@inline
function bothAbs(a: v128, b: v128): v128 {
  return f32x4.add(f32x4.abs(a), f32x4.abs(b));
}

/** The largest magnitude at each place of eight vectors. */
@inline
function mostAbs(a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128): v128 {
  const ab = f32x4.pmax(f32x4.abs(a), f32x4.abs(b)), cd = f32x4.pmax(f32x4.abs(c), f32x4.abs(d));
  const ef = f32x4.pmax(f32x4.abs(e), f32x4.abs(f)), gh = f32x4.pmax(f32x4.abs(g), f32x4.abs(h));
  return f32x4.pmax(f32x4.pmax(ab, cd), f32x4.pmax(ef, gh));
}

/** factor · values, rounded, in the low halves of 32-bit lanes. */
@inline
function round(values: v128, factor: v128): v128 {
  return f32x4.add(f32x4.mul(values, factor), f32x4.splat(ROUNDER));
}

/** Rounds eight values and stores 16 bits of each, the even ones at `at`, the odd ones 32 bytes behind. */
@inline
function store16(at: usize, a: v128, b: v128, factor: v128): void {
  const halves = v128.shuffle<i16>(round(a, factor), round(b, factor), 0, 4, 8, 12, 2, 6, 10, 14);
  v128.store64_lane(at, halves, 0);
  v128.store64_lane(at, halves, 1, 32);
}

/** Eight values rounded to 16 bits, in their order. */
@inline
function eight(a: v128, b: v128, factor: v128): v128 {
  return v128.shuffle<i16>(round(a, factor), round(b, factor), 0, 2, 4, 6, 8, 10, 12, 14);
}
