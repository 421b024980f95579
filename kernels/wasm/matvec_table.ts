/**
 * Products of weights of 2, 3 or 4 bits with few tokens.
 */
import { rowBytes } from "./codes";
import { F16, F32 } from "./dtype";
import { pairs, plane, zipHigh16, zipHigh8, zipLow16, zipLow8 } from "./planes";
import { madd, sum, swizzle } from "./simd";
import { groupsOf, scaleAt, Weight, zeroAt } from "./weight";

/** {@link matvec} of a weight of that many bits. */
@inline
export function matvecTables(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
  bits: i32,
): void {
  if (w.dtype == F16) matvecTable(out, x, sums, w, bias, tokens, from, to, bits, F16);
  else matvecTable(out, x, sums, w, bias, tokens, from, to, bits, F32);
}

@inline
function matvecTable(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
  bits: i32,
  dtype: i32,
): void {
  // Engines make a constant anew at each use; this one is none to them.
  const mask = i32x4.splat(((1 << w.bits) - 1) * 0x1010101);
  const groups = groupsOf(w);
  const blocks = w.cols + 31 >> 5;
  const perGroup = w.groupSize + 31 >> 5;
  for (let r = from; r < to; r++) {
    const table = w.tables + <usize> r * w.tableStride;
    // A half's fraction ends before the last byte of a float32.
    const p0 = dtype == F16 ? i32x4.splat(0) : plane(table, dtype, 0), p1 = plane(table, dtype, 1);
    const p2 = plane(table, dtype, 2), p3 = plane(table, dtype, 3);
    for (let t = 0; t < tokens; t++) {
      let codes = w.data + <usize> r * rowBytes(w.cols, bits);
      let at = x + (<usize> t * blocks << 7);
      const end = at + (<usize> blocks << 7);
      let total = f32x4.splat(0);
      for (let g = 0; g < groups; g++) {
        let group = f32x4.splat(0);
        for (const stop = min(at + (<usize> perGroup << 7), end); at < stop; at += 128) {
          const two = pairs(codes, bits);
          const even = v128.and(two, mask), odd = v128.and(i16x8.shr_u(two, bits), mask);
          group = f32x4.add(group, products(p0, p1, p2, p3, even, at, dtype));
          group = f32x4.add(group, products(p0, p1, p2, p3, odd, at + 64, dtype));
          codes += 4 * bits;
        }
        total = madd(f32x4.splat(scaleAt(w, r * groups + g)), group, total);
      }
      finish(out + (<usize> t * w.rows << 2), w, r, total, sums + (<usize> t * groups << 2), bias);
    }
  }
}

/** out[r] = Σ total + Σ zero · sum + bias. */
@inline
export function finish(out: usize, w: Weight, r: i32, total: v128, sums: usize, bias: usize): void {
  let value = sum(total);
  if (w.zeros != 0) {
    const groups = groupsOf(w);
    for (let g = 0; g < groups; g++) value += zeroAt(w, r * groups + g) * load<f32>(sums + (<usize> g << 2));
  }
  if (bias != 0) value += load<f32>(bias + (<usize> r << 2));
  store<f32>(out + (<usize> r << 2), value);
}

/** Σ table[code] · x over 16 codes, in four lanes. */
@inline
function products(p0: v128, p1: v128, p2: v128, p3: v128, codes: v128, x: usize, dtype: i32): v128 {
  const b0 = dtype == F16 ? p0 : swizzle(p0, codes),
    b1 = swizzle(p1, codes),
    b2 = swizzle(p2, codes),
    b3 = swizzle(p3, codes);
  const low = zipLow8(b0, b1), high = zipLow8(b2, b3);
  const low8 = zipHigh8(b0, b1), high8 = zipHigh8(b2, b3);
  let result = f32x4.mul(zipLow16(low, high), v128.load(x));
  result = madd(zipHigh16(low, high), v128.load(x, 16), result);
  result = madd(zipLow16(low8, high8), v128.load(x, 32), result);
  return madd(zipHigh16(low8, high8), v128.load(x, 48), result);
}
