/**
 * Products of weights of 2, 3 or 4 bits with few tokens in whole numbers: activations by prepare_rounded.ts, tables by
 * lib/compute/wasm/levels.ts. Rounding is all that they lose: sums within a block of 32 columns are exact, and blocks are added
 * up as float32.
 *
 * Two rows at a time share the activations that they are multiplied by: engines check every load's bounds.
 */
import { rowBytes } from "./codes";
import { load4, shiftOf } from "./dtype";
import { pairs, raise3, spread3, zipHigh8, zipLow8 } from "./planes";
import { fewLanes, firstLanes, madd, sum, swizzle } from "./simd";
import { groupsOf, Weight } from "./weight";

// matvec…(): out[t, r] ≈ x[t] · ŵ[r] + bias[r] for rows [from, to) of a weight whose groups are whole blocks of 32 columns, or
// one; x, steps and sums as prepared; bias 0: none. There is a
// function for each number of bits: the compiler takes calls inlined side by side for one, and `bits` for a variable.

export function matvec4Int16(
  out: usize,
  x: usize,
  steps: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, steps, sums, w, bias, tokens, from, to, 4, 2);
}

export function matvec3Int16(
  out: usize,
  x: usize,
  steps: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, steps, sums, w, bias, tokens, from, to, 3, 2);
}

export function matvec2Int16(
  out: usize,
  x: usize,
  steps: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, steps, sums, w, bias, tokens, from, to, 2, 2);
}

export function matvec4Int8(
  out: usize,
  x: usize,
  steps: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, steps, sums, w, bias, tokens, from, to, 4, 1);
}

export function matvec3Int8(
  out: usize,
  x: usize,
  steps: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, steps, sums, w, bias, tokens, from, to, 3, 1);
}

export function matvec2Int8(
  out: usize,
  x: usize,
  steps: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, steps, sums, w, bias, tokens, from, to, 2, 1);
}

/** @param bytes of a rounded activation. */
@inline
function matvec(
  out: usize,
  x: usize,
  steps: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
  bits: i32,
  bytes: i32,
): void {
  // Engines make a constant anew at each use; these are none to them.
  const mask = i32x4.splat(((1 << w.bits) - 1) * 0x1010101);
  const nothing = i32x4.splat(w.bits >> 8);
  const spread = v128.or(spread3(), nothing), raise = v128.or(raise3(), nothing);
  const ones = v128.or(i16x8.splat(1), nothing);
  const block = <usize> 32 * bytes;
  const blocks = w.cols + 31 >> 5;
  const groups = groupsOf(w);
  const perGroup = <usize> (w.groupSize + 31 >> 5) * block;
  const scaleType = w.scaleType;
  const shift = shiftOf(scaleType);
  const toRounded = <usize> tokens * groups << 2;
  for (let r = from; r < to; r += 2) {
    // An odd row out is computed twice.
    const next = min(r + 1, to - 1);
    const table0 = w.levels + <usize> r * w.levelStride, table1 = w.levels + <usize> next * w.levelStride;
    const unit0 = load<f32>(table0), unit1 = load<f32>(table1);
    const base0 = v128.load32_splat(table0, 4), base1 = v128.load32_splat(table1, 4);
    const low0 = v128.load(table0, 8), low1 = v128.load(table1, 8);
    const high0 = bytes == 2 ? v128.load(table0, 24) : low0, high1 = bytes == 2 ? v128.load(table1, 24) : low1;
    const toNext = <usize> (next - r) * rowBytes(w.cols, bits);
    for (let t = 0; t < tokens; t++) {
      let codes = w.data + <usize> r * rowBytes(w.cols, bits);
      let at = x + <usize> t * blocks * block;
      const end = at + <usize> blocks * block;
      let step = steps + (<usize> t * blocks << 2);
      const plain = sums + (<usize> t * groups << 2);
      let total0 = f32x4.splat(0), total1 = total0, scales0 = total0, scales1 = total0;
      let offset0 = total0, offset1 = total0, excess0 = total0, excess1 = total0;
      for (let g = 0; g < groups; g++) {
        if ((g & 3) == 0) {
          const left = groups - g, sumsOfX = plain + (<usize> g << 2);
          const at0 = <usize> r * groups + g << shift, at1 = <usize> next * groups + g << shift;
          scales0 = load4(w.scales + at0, scaleType);
          scales1 = load4(w.scales + at1, scaleType);
          let factor0 = f32x4.mul(base0, scales0), factor1 = f32x4.mul(base1, scales1);
          if (w.zeros != 0) {
            factor0 = f32x4.add(factor0, load4(w.zeros + at0, scaleType));
            factor1 = f32x4.add(factor1, load4(w.zeros + at1, scaleType));
          }
          if (left < 4) {
            scales0 = firstLanes(scales0, left);
            scales1 = firstLanes(scales1, left);
            factor0 = firstLanes(factor0, left);
            factor1 = firstLanes(factor1, left);
          }
          const exact = fewLanes(sumsOfX, left);
          offset0 = madd(factor0, exact, offset0);
          offset1 = madd(factor1, exact, offset1);
          if (bytes == 1) {
            const rounded = fewLanes(sumsOfX + toRounded, left);
            excess0 = madd(scales0, rounded, excess0);
            excess1 = madd(scales1, rounded, excess1);
          }
        }
        let group0 = f32x4.splat(0), group1 = group0;
        for (const groupEnd = min(at + perGroup, end); at < groupEnd; at += block) {
          const two0 = pairs(codes, bits, spread, raise), two1 = pairs(codes + toNext, bits, spread, raise);
          let even0: v128, even1: v128, odd0: v128, odd1: v128;
          if (bytes == 2) {
            const x0 = v128.load(at), x1 = v128.load(at, 16);
            even0 = sixteen(v128.and(two0, mask), low0, high0, x0, x1);
            even1 = sixteen(v128.and(two1, mask), low1, high1, x0, x1);
            const x2 = v128.load(at, 32), x3 = v128.load(at, 48);
            odd0 = sixteen(v128.and(i16x8.shr_u(two0, bits), mask), low0, high0, x2, x3);
            odd1 = sixteen(v128.and(i16x8.shr_u(two1, bits), mask), low1, high1, x2, x3);
          } else {
            const x0 = v128.load(at);
            even0 = dotBytes(x0, swizzle(low0, v128.and(two0, mask)), ones);
            even1 = dotBytes(x0, swizzle(low1, v128.and(two1, mask)), ones);
            const x1 = v128.load(at, 16);
            odd0 = dotBytes(x1, swizzle(low0, v128.and(i16x8.shr_u(two0, bits), mask)), ones);
            odd1 = dotBytes(x1, swizzle(low1, v128.and(i16x8.shr_u(two1, bits), mask)), ones);
          }
          const unit = v128.load32_splat(step);
          group0 = madd(unit, f32x4.convert_i32x4_s(i32x4.add(even0, odd0)), group0);
          group1 = madd(unit, f32x4.convert_i32x4_s(i32x4.add(even1, odd1)), group1);
          codes += 4 * bits;
          step += 4;
        }
        total0 = madd(v128.shuffle<f32>(scales0, scales0, 0, 0, 0, 0), group0, total0);
        total1 = madd(v128.shuffle<f32>(scales1, scales1, 0, 0, 0, 0), group1, total1);
        scales0 = v128.shuffle<f32>(scales0, scales0, 1, 2, 3, 0);
        scales1 = v128.shuffle<f32>(scales1, scales1, 1, 2, 3, 0);
      }
      if (bytes == 1) {
        // Levels of 8 bits lie 63.5 above the table's middle.
        total0 = f32x4.sub(total0, f32x4.mul(excess0, f32x4.splat(63.5)));
        total1 = f32x4.sub(total1, f32x4.mul(excess1, f32x4.splat(63.5)));
      }
      const target = out + (<usize> t * w.rows << 2);
      finish(target, r, unit0 * sum(total0) + sum(offset0), bias);
      finish(target, next, unit1 * sum(total1) + sum(offset1), bias);
    }
  }
}

/** Σ levels[code] · x over 16 codes, in four lanes; levels of 16 bits in two planes of bytes. */
@inline
function sixteen(codes: v128, low: v128, high: v128, x: v128, next: v128): v128 {
  const l = swizzle(low, codes), h = swizzle(high, codes);
  return i32x4.add(i32x4.dot_i16x8_s(zipLow8(l, h), x), i32x4.dot_i16x8_s(zipHigh8(l, h), next));
}

/** Products, four added up in each lane; x of 8 bits with a sign, levels of 7 without. No sum leaves its range. */
@inline
function dotBytes(x: v128, levels: v128, ones: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(x, levels), ones);
  const low = i16x8.extmul_low_i8x16_s(x, levels), high = i16x8.extmul_high_i8x16_s(x, levels);
  return i32x4.add(i32x4.dot_i16x8_s(low, ones), i32x4.dot_i16x8_s(high, ones));
}

@inline
function finish(out: usize, r: i32, value: f32, bias: usize): void {
  const at = <usize> r << 2;
  store<f32>(out + at, bias == 0 ? value : value + load<f32>(bias + at));
}
