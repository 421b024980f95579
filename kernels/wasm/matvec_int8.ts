/**
 * Products with few tokens in whole numbers: activations rounded to 8 bits, tables to 7. Faster, and not exact.
 */
import { rowBytes } from "./codes";
import { load4, shiftOf } from "./dtype";
import { pairs } from "./planes";
import { madd, sum, swizzle } from "./simd";
import { groupsOf, scaleAt, Weight, zeroAt } from "./weight";

/** The least or largest lane. */
@inline
function extreme(a: v128, largest: bool): f32 {
  const b = v128.shuffle<f32>(a, a, 2, 3, 0, 1);
  const c = largest ? f32x4.pmax(a, b) : f32x4.pmin(a, b);
  const first = f32x4.extract_lane(c, 0), second = f32x4.extract_lane(c, 1);
  return largest ? max(first, second) : min(first, second);
}

/**
 * Rounds x, [tokens, cols], for {@link matvecInt8}, for tokens [from, to): x ≈ step[t, g] · out[t, c], bytes of at most ±127
 * in blocks of 32, of each the even ones first. sums is [2, tokens, groups]: the sums of x over a group, as it is and as
 * rounded.
 */
export function prepareInt8(
  out: usize,
  steps: usize,
  sums: usize,
  x: usize,
  tokens: i32,
  cols: i32,
  groupSize: i32,
  from: i32,
  to: i32,
): void {
  const blocks = cols + 31 >> 5;
  const groups = (cols + groupSize - 1) / groupSize;
  for (let t = from; t < to; t++) {
    const row = x + (<usize> t * cols << 2);
    const target = out + (<usize> t * blocks << 5);
    memory.fill(target + (<usize> (blocks - 1) << 5), 0, 32);
    for (let g = 0; g < groups; g++) {
      const start = g * groupSize, end = min(start + groupSize, cols);
      let largest: f32 = 0, plain: f32 = 0, rounded: f32 = 0;
      for (let c = start; c < end; c++) largest = max(largest, abs(load<f32>(row + (<usize> c << 2))));
      const factor: f32 = largest == 0 ? 0 : 127 / largest;
      for (let c = start; c < end; c++) {
        const value = load<f32>(row + (<usize> c << 2));
        const byte = nearest(value * factor);
        plain += value;
        rounded += byte;
        store<i8>(target + (c & ~31) + (c & 1) * 16 + (c & 31) / 2, <i8> byte);
      }
      const place = <usize> t * groups + g << 2;
      store<f32>(steps + place, largest / 127);
      store<f32>(sums + place, plain);
      store<f32>(sums + place + (<usize> tokens * groups << 2), rounded * (largest / 127));
    }
  }
}

/**
 * out[t, r] ≈ x[t] · ŵ[r] + bias[r] for rows [from, to) of a weight of 2, 3 or 4 bits whose groups are whole blocks of 32
 * columns, or one; x, steps and sums from {@link prepareInt8}; bias 0: none.
 */
export function matvecInt8(
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
  if (w.bits == 4) matvec(out, x, steps, sums, w, bias, tokens, from, to, 4);
  else if (w.bits == 3) matvec(out, x, steps, sums, w, bias, tokens, from, to, 3);
  else matvec(out, x, steps, sums, w, bias, tokens, from, to, 2);
}

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
): void {
  // Engines make a constant anew at each use; these are none to them.
  const mask = i32x4.splat(((1 << w.bits) - 1) * 0x1010101);
  const ones = i16x8.splat(<i16> (w.bits > 0));
  const groups = groupsOf(w);
  const blocks = w.cols + 31 >> 5;
  const perGroup = w.groupSize + 31 >> 5;
  const vector = <usize> 4 << shiftOf(w.dtype);
  for (let r = from; r < to; r++) {
    // The row's table in 127 steps from its least value: table ≈ least + step · levels.
    const table = w.tables + <usize> r * w.tableStride;
    const v0 = load4(table, w.dtype);
    const v1 = bits > 2 ? load4(table + vector, w.dtype) : v0;
    const v2 = bits > 3 ? load4(table + 2 * vector, w.dtype) : v0;
    const v3 = bits > 3 ? load4(table + 3 * vector, w.dtype) : v0;
    const least = extreme(f32x4.pmin(f32x4.pmin(v0, v1), f32x4.pmin(v2, v3)), false);
    const range = extreme(f32x4.pmax(f32x4.pmax(v0, v1), f32x4.pmax(v2, v3)), true) - least;
    const factor: f32 = range == 0 ? 0 : 127 / range;
    const levels = i8x16.narrow_i16x8_u(
      i16x8.narrow_i32x4_s(level(v0, least, factor), level(v1, least, factor)),
      i16x8.narrow_i32x4_s(level(v2, least, factor), level(v3, least, factor)),
    );
    const step = range / 127;
    for (let t = 0; t < tokens; t++) {
      let codes = w.data + <usize> r * rowBytes(w.cols, bits);
      let at = x + (<usize> t * blocks << 5);
      const end = at + (<usize> blocks << 5);
      const place = <usize> t * groups << 2;
      const plain = sums + place, rounded = plain + (<usize> tokens * groups << 2);
      let total = f32x4.splat(0);
      let offset: f32 = 0;
      for (let g = 0; g < groups; g++) {
        let group = i32x4.splat(0);
        for (const stop = min(at + (<usize> perGroup << 5), end); at < stop; at += 32) {
          const two = pairs(codes, bits);
          const even = swizzle(levels, v128.and(two, mask));
          const odd = swizzle(levels, v128.and(i16x8.shr_u(two, bits), mask));
          group = i32x4.add(group, dot(v128.load(at), even, ones));
          group = i32x4.add(group, dot(v128.load(at, 16), odd, ones));
          codes += 4 * bits;
        }
        const scale = scaleAt(w, r, g);
        const shift = <usize> g << 2;
        const unit = f32x4.splat(scale * load<f32>(steps + place + shift));
        total = madd(unit, f32x4.convert_i32x4_s(group), total);
        offset += scale * least * load<f32>(rounded + shift) + zeroAt(w, r, g) * load<f32>(plain + shift);
      }
      if (bias != 0) offset += load<f32>(bias + (<usize> r << 2));
      store<f32>(out + (<usize> t * w.rows + r << 2), step * sum(total) + offset);
    }
  }
}

@inline
function level(values: v128, least: f32, factor: f32): v128 {
  const steps = f32x4.mul(f32x4.sub(values, f32x4.splat(least)), f32x4.splat(factor));
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(steps));
}

/** Products, four added up in each lane; x of 8 bits with a sign, levels of 7 without. No sum leaves its range. */
@inline
function dot(x: v128, levels: v128, ones: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(x, levels), ones);
  const low = i16x8.extmul_low_i8x16_s(x, levels), high = i16x8.extmul_high_i8x16_s(x, levels);
  return i32x4.add(i32x4.dot_i16x8_s(low, ones), i32x4.dot_i16x8_s(high, ones));
}
