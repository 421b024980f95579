/**
 * Products of packed weights with few tokens in whole numbers: activations by prepare_rounded.ts, tables by
 * lib/compute/wasm/rounded_codebooks.ts. Rounding is all that they lose: sums within a block of 32 columns are exact, and
 * blocks are added up as float32.
 *
 * Four rows at a time share what they are multiplied by, what is done for a group, and the loop: engines check every load's
 * bounds.
 */
import { rowBytes } from "./codes";
import { finish } from "./matvec_dense";
import { pairs, raise3, spread3, zipHigh8, zipLow32, zipLow8 } from "./planes";
import { RECORD16, RECORD8, STEP16, STEP8, SUM8 } from "./prepare_rounded";
import { dotBytes, madd, sums as sumsOf, swizzle } from "./simd";
import { groupsOf, Weight } from "./weight";

// matvec…(): out[t, r] ≈ x[t] · ŵ[r] + bias[r] for rows [from, to) of a weight whose groups are whole
// blocks of 32 columns, or one; x and sums as prepared; bias 0: none. A code of 8 bits is its own level. There is a function
// for each number of bits: the compiler takes calls inlined side by side for one, and `bits` for a variable.

export function matvec4Int16(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, sums, w, bias, tokens, from, to, 4, 2);
}

export function matvec3Int16(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, sums, w, bias, tokens, from, to, 3, 2);
}

export function matvec2Int16(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, sums, w, bias, tokens, from, to, 2, 2);
}

export function matvec8Int16(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, sums, w, bias, tokens, from, to, 8, 2);
}

export function matvec4Int8(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, sums, w, bias, tokens, from, to, 4, 1);
}

export function matvec3Int8(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, sums, w, bias, tokens, from, to, 3, 1);
}

export function matvec2Int8(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  matvec(out, x, sums, w, bias, tokens, from, to, 2, 1);
}

/** @param bytes of a rounded activation. */
@inline
function matvec(
  out: usize,
  x: usize,
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
  const nothing = i32x4.splat(w.bits >> 8);
  const mask = v128.or(bits == 8 ? i32x4.splat(0xff00ff) : i32x4.splat(((1 << bits) - 1) * 0x1010101), nothing);
  const spread = v128.or(spread3(), nothing), raise = v128.or(raise3(), nothing);
  const ones = v128.or(i16x8.splat(1), nothing);
  const record = bytes == 2 ? RECORD16 : RECORD8;
  const row = rowBytes(w.cols, bits);
  const blocks = <usize> (w.cols + 31 >> 5);
  const groups = groupsOf(w);
  const perGroup = <usize> (w.groupSize + 31 >> 5) * record;
  const factorsBytes = <usize> groups << 3;
  // Four rows far apart, each read from one end to the other: processors fetch ahead what is read in order.
  const apart = to - from + 3 >> 2;
  for (let r = from; r < from + apart; r++) {
    // If rows are missing the last is computed again.
    const r1 = min(r + apart, to - 1), r2 = min(r + 2 * apart, to - 1), r3 = min(r + 3 * apart, to - 1);
    const to1 = row * (r1 - r), to2 = row * (r2 - r), to3 = row * (r3 - r);
    const table0 = w.levels + <usize> r * w.levelStride, table1 = w.levels + <usize> r1 * w.levelStride;
    const table2 = w.levels + <usize> r2 * w.levelStride, table3 = w.levels + <usize> r3 * w.levelStride;
    for (let t = 0; t < tokens; t++) {
      let codes = w.data + <usize> r * row;
      let at = x + <usize> t * blocks * record;
      const end = at + blocks * record;
      let factors = w.factors + <usize> r * factorsBytes;
      let sum = sums + (<usize> t * groups << 2);
      let total = f32x4.splat(0);
      for (; at < end; sum += 4) {
        let a = f32x4.splat(0), b = a, c = a, d = a;
        const groupEnd = min(at + perGroup, end);
        if (bits == 8) {
          for (; at < groupEnd; at += RECORD16) {
            const x0 = v128.load(at), x1 = v128.load(at, 16), x2 = v128.load(at, 32), x3 = v128.load(at, 48);
            const step = v128.load32_splat(at, STEP16);
            a = madd(step, line(codes, x0, x1, x2, x3, mask), a);
            b = madd(step, line(codes + to1, x0, x1, x2, x3, mask), b);
            c = madd(step, line(codes + to2, x0, x1, x2, x3, mask), c);
            d = madd(step, line(codes + to3, x0, x1, x2, x3, mask), d);
            codes += 32;
          }
        } else if (bytes == 2) {
          // Two by two: tables of four rows would not fit the 16 registers of x64.
          const begin = at, first = codes;
          let low0 = v128.load(table0), high0 = v128.load(table0, 16), low1 = v128.load(table1), high1 = v128.load(table1, 16);
          for (; at < groupEnd; at += RECORD16) {
            const x0 = v128.load(at), x1 = v128.load(at, 16), x2 = v128.load(at, 32), x3 = v128.load(at, 48);
            const step = v128.load32_splat(at, STEP16);
            a = madd(step, words(pairs(codes, bits, spread, raise), low0, high0, x0, x1, x2, x3, mask, bits), a);
            b = madd(step, words(pairs(codes + to1, bits, spread, raise), low1, high1, x0, x1, x2, x3, mask, bits), b);
            codes += 4 * bits;
          }
          at = begin;
          codes = first;
          low0 = v128.load(table2);
          high0 = v128.load(table2, 16);
          low1 = v128.load(table3);
          high1 = v128.load(table3, 16);
          for (; at < groupEnd; at += RECORD16) {
            const x0 = v128.load(at), x1 = v128.load(at, 16), x2 = v128.load(at, 32), x3 = v128.load(at, 48);
            const step = v128.load32_splat(at, STEP16);
            c = madd(step, words(pairs(codes + to2, bits, spread, raise), low0, high0, x0, x1, x2, x3, mask, bits), c);
            d = madd(step, words(pairs(codes + to3, bits, spread, raise), low1, high1, x0, x1, x2, x3, mask, bits), d);
            codes += 4 * bits;
          }
        } else {
          const levels0 = v128.load(table0), levels1 = v128.load(table1), levels2 = v128.load(table2), levels3 = v128.load(table3);
          for (; at < groupEnd; at += RECORD8) {
            const x0 = v128.load(at), x1 = v128.load(at, 16), excess = v128.load32_zero(at, SUM8);
            const step = v128.load32_splat(at, STEP8);
            a = madd(step, bytesOf(pairs(codes, bits, spread, raise), levels0, x0, x1, excess, mask, ones, bits), a);
            b = madd(step, bytesOf(pairs(codes + to1, bits, spread, raise), levels1, x0, x1, excess, mask, ones, bits), b);
            c = madd(step, bytesOf(pairs(codes + to2, bits, spread, raise), levels2, x0, x1, excess, mask, ones, bits), c);
            d = madd(step, bytesOf(pairs(codes + to3, bits, spread, raise), levels3, x0, x1, excess, mask, ones, bits), d);
            codes += 4 * bits;
          }
        }
        // Of each row what its products are multiplied by, then its sum.
        const f01 = zipLow32(v128.load64_zero(factors), v128.load64_zero(factors + factorsBytes * (r1 - r)));
        const f23 = zipLow32(v128.load64_zero(factors + factorsBytes * (r2 - r)), v128.load64_zero(factors + factorsBytes * (r3 - r)));
        total = madd(v128.shuffle<i64>(f01, f23, 0, 2), sumsOf(a, b, c, d), total);
        total = madd(v128.shuffle<i64>(f01, f23, 1, 3), v128.load32_splat(sum), total);
        factors += 8;
      }
      const target = out + (<usize> t * w.rows << 2);
      finish(target, r, f32x4.extract_lane(total, 0), bias);
      finish(target, r1, f32x4.extract_lane(total, 1), bias);
      finish(target, r2, f32x4.extract_lane(total, 2), bias);
      finish(target, r3, f32x4.extract_lane(total, 3), bias);
    }
  }
}

/** Σ levels[code] · x of a block of 32 columns, in four lanes; levels of 16 bits in two planes of bytes. */
@inline
function words(
  pairs: v128,
  low: v128,
  high: v128,
  x0: v128,
  x1: v128,
  x2: v128,
  x3: v128,
  mask: v128,
  bits: i32,
): v128 {
  const even = v128.and(pairs, mask), odd = v128.and(i16x8.shr_u(pairs, bits), mask);
  return f32x4.convert_i32x4_s(i32x4.add(sixteen(even, low, high, x0, x1), sixteen(odd, low, high, x2, x3)));
}

@inline
function sixteen(codes: v128, low: v128, high: v128, x: v128, next: v128): v128 {
  const l = swizzle(low, codes), h = swizzle(high, codes);
  return i32x4.add(i32x4.dot_i16x8_s(zipLow8(l, h), x), i32x4.dot_i16x8_s(zipHigh8(l, h), next));
}

/** Σ code · x of a block of 32 columns, in four lanes; the codes have 8 bits. */
@inline
function line(codes: usize, x0: v128, x1: v128, x2: v128, x3: v128, mask: v128): v128 {
  const low = v128.load(codes), high = v128.load(codes, 16);
  const even = i32x4.add(i32x4.dot_i16x8_s(v128.and(low, mask), x0), i32x4.dot_i16x8_s(v128.and(high, mask), x1));
  const odd = i32x4.add(i32x4.dot_i16x8_s(i16x8.shr_u(low, 8), x2), i32x4.dot_i16x8_s(i16x8.shr_u(high, 8), x3));
  return f32x4.convert_i32x4_s(i32x4.add(even, odd));
}

/** sum + Σ levels[code] · x of a block of 32 columns, in four lanes; levels of 7 bits. */
@inline
function bytesOf(
  pairs: v128,
  levels: v128,
  x0: v128,
  x1: v128,
  sum: v128,
  mask: v128,
  ones: v128,
  bits: i32,
): v128 {
  const even = swizzle(levels, v128.and(pairs, mask)), odd = swizzle(levels, v128.and(i16x8.shr_u(pairs, bits), mask));
  return f32x4.convert_i32x4_s(dotBytes(x1, odd, dotBytes(x0, even, sum, ones), ones));
}
