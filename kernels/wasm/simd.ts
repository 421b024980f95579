/**
 * Vectors of four float32: what WASM's own instructions lack. Everything here is inlined.
 */

/** a · b + c. Relaxed: rounded once where the processor has a fused instruction. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Bytes of `table` at indices below 16. */
@inline
export function swizzle(table: v128, indices: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, indices);
  return i8x16.swizzle(table, indices);
}

/**
 * sum + products, four added up in each lane: x of 8 bits with a sign, levels of 7 without. No sum leaves its range, so that the
 * relaxed instruction is exact on every processor.
 */
@inline
export function dotBytes(x: v128, levels: v128, sum: v128, ones: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, levels, sum);
  const low = i16x8.extmul_low_i8x16_s(x, levels), high = i16x8.extmul_high_i8x16_s(x, levels);
  const four = v128.shuffle<i16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
  const rest = v128.shuffle<i16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.add(four, rest), ones));
}

/** [Σa, Σb, Σc, Σd], each summed in the order (0 + 2) + (1 + 3). */
@inline
export function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

/** Σa, in the order of {@link sums}. */
@inline
export function sum(a: v128): f32 {
  const b = f32x4.add(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  return f32x4.extract_lane(b, 0) + f32x4.extract_lane(b, 1);
}

/** The largest lane. */
@inline
export function largest(a: v128): f32 {
  const b = f32x4.pmax(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  return max(f32x4.extract_lane(b, 0), f32x4.extract_lane(b, 1));
}

/** Stores lanes i of a, b, c and d at out + stride · i. */
@inline
export function storeTurned(out: usize, stride: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  v128.store(out, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(out + stride, v128.shuffle<i64>(ab, cd, 1, 3));
  const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(out + 2 * stride, v128.shuffle<i64>(ab1, cd1, 0, 2));
  v128.store(out + 3 * stride, v128.shuffle<i64>(ab1, cd1, 1, 3));
}

/** Four values at an address; from the n-th on zeros. */
@inline
export function fewLanes(at: usize, n: i32): v128 {
  if (n >= 4) return v128.load(at);
  return n <= 0 ? i32x4.splat(0) : firstLanes(v128.load(at), n);
}

/** The first `n` of four lanes, zeros in the others. */
@inline
export function firstLanes(a: v128, n: i32): v128 {
  return v128.and(a, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n)));
}

/**
 * e^x to within 2 units in the last place: 2^n · e^r with |r| ≤ ln 2 / 2, e^r by its Taylor series. Below −87 and above 88
 * the result stays at those ends; NaN stays NaN.
 */
@inline
export function exp(x: v128): v128 {
  // The operand's order lets NaN through.
  x = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87)), f32x4.splat(88));
  // Added to a small number, 3 · 2^22 leaves the nearest whole number in the low bits, here with the bias of an exponent.
  const rounder = f32x4.splat(12582912 + 127);
  const rounded = madd(x, f32x4.splat(1.44269504), rounder);
  const n = f32x4.sub(rounded, rounder);
  // ln 2 in two parts, the first short enough for n · part to be exact.
  let r = madd(n, f32x4.splat(-0.693359375), x);
  r = madd(n, f32x4.splat(2.12194440e-4), r);
  let e = f32x4.splat(1.0 / 5040);
  e = madd(e, r, f32x4.splat(1.0 / 720));
  e = madd(e, r, f32x4.splat(1.0 / 120));
  e = madd(e, r, f32x4.splat(1.0 / 24));
  e = madd(e, r, f32x4.splat(1.0 / 6));
  e = madd(e, r, f32x4.splat(0.5));
  e = madd(e, r, f32x4.splat(1));
  e = madd(e, r, f32x4.splat(1));
  return f32x4.mul(e, i32x4.shl(rounded, 23));
}
