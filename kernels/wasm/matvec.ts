/**
 * Products with few tokens: every weight is decoded once and used once.
 */
import { rowBytes } from "./codes";
import { BF16, F16, F32, load1, load4, shiftOf } from "./dtype";
import { pairs, plane, zipHigh16, zipHigh8, zipLow16, zipLow8 } from "./planes";
import { madd, sum, swizzle } from "./simd";
import { groupsOf, scaleAt, Weight, zeroAt } from "./weight";

/**
 * Prepares x, [tokens, cols], for {@link matvec} with a packed weight, for tokens [from, to): a row is padded with zeros
 * to a multiple of 32, and of each 32 values the even ones come first, as packed codes are looked up; sums[t, g] is the
 * sum of x over group g, which a group's zero is multiplied by.
 */
export function prepare(
  out: usize,
  sums: usize,
  x: usize,
  cols: i32,
  groupSize: i32,
  from: i32,
  to: i32,
): void {
  const blocks = cols + 31 >> 5;
  const groups = (cols + groupSize - 1) / groupSize;
  for (let t = from; t < to; t++) {
    const row = x + (<usize> t * cols << 2);
    const target = out + (<usize> t * blocks << 7);
    for (let c = 0; c < cols >> 3 << 3; c += 8) {
      const a = v128.load(row + (<usize> c << 2));
      const b = v128.load(row + (<usize> c << 2), 16);
      const at = target + (<usize> (c >> 5) << 7) + (<usize> (c & 31) << 1);
      v128.store(at, v128.shuffle<f32>(a, b, 0, 2, 4, 6));
      v128.store(at, v128.shuffle<f32>(a, b, 1, 3, 5, 7), 64);
    }
    for (let c = cols >> 3 << 3; c < blocks << 5; c++) {
      const value: f32 = c < cols ? load<f32>(row + (<usize> c << 2)) : 0;
      store<f32>(
        target + (<usize> (c >> 5) << 7) + (<usize> (c & 1) << 6) + (<usize> (c & 31) >> 1 << 2),
        value,
      );
    }
    for (let g = 0; g < groups; g++) {
      let c = g * groupSize;
      const end = min(c + groupSize, cols);
      let four = f32x4.splat(0);
      for (; c + 4 <= end; c += 4) four = f32x4.add(four, v128.load(row + (<usize> c << 2)));
      let total = sum(four);
      for (; c < end; c++) total += load<f32>(row + (<usize> c << 2));
      store<f32>(sums + (<usize> t * groups + g << 2), total);
    }
  }
}

/**
 * out[t, r] = x[t] · ŵ[r] + bias[r] for rows [from, to); bias 0: none.
 *
 * For a dense weight x is [tokens, cols]. For a packed one x and sums come from {@link prepare}; its groups are whole
 * blocks of 32 columns, or there is only one; its table, where codes have 8 bits, is a line.
 */
export function matvec(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  if (w.bits == 4) matvecTables(out, x, sums, w, bias, tokens, from, to, 4);
  else if (w.bits == 3) matvecTables(out, x, sums, w, bias, tokens, from, to, 3);
  else if (w.bits == 2) matvecTables(out, x, sums, w, bias, tokens, from, to, 2);
  else if (w.bits == 8) matvecLine(out, x, sums, w, bias, tokens, from, to);
  else if (w.dtype == F32) matvecDense(out, x, w, bias, tokens, from, to, F32);
  else if (w.dtype == F16) matvecDense(out, x, w, bias, tokens, from, to, F16);
  else matvecDense(out, x, w, bias, tokens, from, to, BF16);
}

@inline
function matvecDense(
  out: usize,
  x: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
  dtype: i32,
): void {
  const cols = w.cols;
  for (let r = from; r < to; r++) {
    const row = w.data + (<usize> r * cols << shiftOf(dtype));
    const add = bias == 0 ? <f32> 0 : load<f32>(bias + (<usize> r << 2));
    for (let t = 0; t < tokens; t++) {
      const value = dot(x + (<usize> t * cols << 2), row, cols, dtype);
      store<f32>(out + (<usize> t * w.rows + r << 2), value + add);
    }
  }
}

/** Σ x · w over n columns; four running sums hide the latency of madd. */
@inline
function dot(x: usize, w: usize, n: i32, dtype: i32): f32 {
  const step = <usize> 4 << shiftOf(dtype);
  let a = f32x4.splat(0), b = a, c = a, d = a;
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    a = madd(v128.load(x), load4(w, dtype), a);
    b = madd(v128.load(x, 16), load4(w + step, dtype), b);
    c = madd(v128.load(x, 32), load4(w + 2 * step, dtype), c);
    d = madd(v128.load(x, 48), load4(w + 3 * step, dtype), d);
    x += 64;
    w += 4 * step;
  }
  for (; i + 4 <= n; i += 4) {
    a = madd(v128.load(x), load4(w, dtype), a);
    x += 16;
    w += step;
  }
  let total = sum(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  for (; i < n; i++) {
    total += load<f32>(x) * load1(w, dtype);
    x += 4;
    w += <usize> 1 << shiftOf(dtype);
  }
  return total;
}

@inline
function matvecTables(
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
        total = madd(f32x4.splat(scaleAt(w, r, g)), group, total);
      }
      finish(out + (<usize> t * w.rows << 2), w, r, total, sums + (<usize> t * groups << 2), bias);
    }
  }
}

/** out[r] = Σ total + Σ zero · sum + bias. */
@inline
function finish(out: usize, w: Weight, r: i32, total: v128, sums: usize, bias: usize): void {
  let value = sum(total);
  if (w.zeros != 0) {
    for (let g = 0; g < groupsOf(w); g++) value += zeroAt(w, r, g) * load<f32>(sums + (<usize> g << 2));
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

/**
 * Tables of 256 do not fit registers, but those of whole numbers are lines: table[code] = least + step · code. Σ step · code · x
 * is summed, least · Σ x is known.
 */
function matvecLine(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  const mask = i32x4.splat((1 << w.bits) - 1 | 0xff0000);
  const groups = groupsOf(w);
  const blocks = w.cols + 31 >> 5;
  const perGroup = w.groupSize + 31 >> 5;
  for (let r = from; r < to; r++) {
    const table = w.tables + <usize> r * w.tableStride;
    const least = load<f32>(table), step = load<f32>(table, 4) - least;
    for (let t = 0; t < tokens; t++) {
      let codes = w.data + <usize> r * rowBytes(w.cols, 8);
      let at = x + (<usize> t * blocks << 7);
      const end = at + (<usize> blocks << 7);
      const plain = sums + (<usize> t * groups << 2);
      let total = f32x4.splat(0);
      for (let g = 0; g < groups; g++) {
        let group = f32x4.splat(0);
        for (const stop = min(at + (<usize> perGroup << 7), end); at < stop; at += 128) {
          const low = v128.load(codes), high = v128.load(codes, 16);
          group = f32x4.add(group, eight(v128.and(low, mask), at));
          group = f32x4.add(group, eight(v128.and(high, mask), at + 32));
          group = f32x4.add(group, eight(i16x8.shr_u(low, 8), at + 64));
          group = f32x4.add(group, eight(i16x8.shr_u(high, 8), at + 96));
          codes += 32;
        }
        const scale = scaleAt(w, r, g);
        total = madd(f32x4.splat(scale * step), group, total);
        const offset = scale * least * load<f32>(plain + (<usize> g << 2));
        total = f32x4.add(total, f32x4.replace_lane(f32x4.splat(0), 0, offset));
      }
      finish(out + (<usize> t * w.rows << 2), w, r, total, plain, bias);
    }
  }
}

/** Σ code · x of eight 16-bit codes, in four lanes. */
@inline
function eight(codes: v128, x: usize): v128 {
  const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(codes));
  const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(codes));
  return madd(high, v128.load(x, 16), f32x4.mul(low, v128.load(x)));
}
