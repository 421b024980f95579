/**
 * Products of weights of 2, 3 or 4 bits with many tokens in whole numbers of 8 bits: activations by prepareInt8 of
 * prepare_rounded.ts, codebooks by lib/compute/wasm/rounded_codebooks.ts. Sixteen products are one instruction, where float32
 * takes four.
 */
import { rowBytes } from "./codes";
import { evens, odds, pairs, zipLow32 } from "./planes";
import { RECORD4, STEPS4, SUMS4 } from "./prepare_rounded";
import { dotBytes, madd, storeTurned, swizzle } from "./simd";
import { groupsOf, Weight } from "./weight";

/** Rows of a tile of looked-up codes, which stays in the first-level cache, and blocks of 32 columns of it at most. */
const ROWS: i32 = 16;
const BLOCKS: i32 = 16;
/** Bytes of a tile, and behind it of its factors. */
const TILE_BYTES: usize = 8192, FACTORS_BYTES: usize = 128;
/** Bytes of eight rows of a block. */
const EIGHT: usize = 256;

/**
 * out[t, r] ≈ x[t] · ŵ[r] + bias[r] for rows [from, to), from a multiple of 8 on, of a weight whose groups are whole blocks of
 * 32 columns, or one; bias 0: none.
 *
 * @param x from {@link packFours}.
 * @param sums of groups, from prepareInt8.
 * @param scratch 8,320 bytes for each piece of `grain` rows that may run at the same time.
 */
export function matmulInt8(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  scratch: usize,
  grain: i32,
  from: i32,
  to: i32,
): void {
  const tile = scratch + <usize> (from / grain) * (TILE_BYTES + FACTORS_BYTES);
  const factors = tile + TILE_BYTES;
  const blocks = w.cols + 31 >> 5;
  const groups = groupsOf(w);
  const perGroup = w.groupSize + 31 >> 5;
  for (let r = from; r < to; r += ROWS) {
    const n = min(ROWS, to - r);
    const target = out + (<usize> r << 2);
    for (let t = 0; t < tokens; t++) {
      const row = target + (<usize> t * w.rows << 2);
      if (bias == 0) memory.fill(row, 0, <usize> n << 2);
      else memory.copy(row, bias + (<usize> r << 2), <usize> n << 2);
    }
    for (let g = 0; g < groups; g++) {
      const begin = g * perGroup, end = min(begin + perGroup, blocks);
      for (let b = begin; b < end; b += BLOCKS) {
        const some = min(BLOCKS, end - b);
        // Rows of four that are missing are the last again.
        for (let i = 0; i < n; i += 4) {
          gatherFactors(factors + (<usize> i << 3), w, r + i, g);
          lookUp(tile + <usize> (i >> 3) * some * EIGHT + <usize> ((i & 4) << 2), w, r + i, b, some);
        }
        for (let t = 0; t < tokens; t += 4) {
          const at = target + (<usize> t * w.rows << 2);
          const four = x + (<usize> (t >> 2) * blocks + b) * RECORD4;
          // What hangs on the sum of a group is added with the first of its pieces.
          const sum = b == begin ? sums + (<usize> t * groups + g << 2) : 0;
          for (let i = 0; i < n; i += 8) {
            const eight = tile + <usize> (i >> 3) * some * EIGHT;
            multiply(at + (<usize> i << 2), four, eight, factors + (<usize> i << 3), sum, w, tokens - 1 - t, some, n - i);
          }
        }
      }
    }
  }
}

/** Of four rows from r on, what products of group g are multiplied by, then what its sum is. */
function gatherFactors(out: usize, w: Weight, r: i32, g: i32): void {
  const groups = groupsOf(w);
  const left = w.rows - 1 - r;
  const at = w.factors + (<usize> r * groups + g << 3);
  const row = <usize> groups << 3;
  const low = zipLow32(v128.load64_zero(at), v128.load64_zero(at + row * min(1, left)));
  const high = zipLow32(v128.load64_zero(at + row * min(2, left)), v128.load64_zero(at + row * min(3, left)));
  v128.store(out, v128.shuffle<i64>(low, high, 0, 2));
  v128.store(out, v128.shuffle<i64>(low, high, 1, 3), 16);
}

/**
 * Levels of `some` blocks of 32 columns from the b-th on, of four rows from r on: of each block the even columns first, and four
 * columns of each row side by side.
 */
function lookUp(out: usize, w: Weight, r: i32, b: i32, some: i32): void {
  if (w.bits == 4) lookUpBlocks(out, w, r, b, some, 4);
  else if (w.bits == 3) lookUpBlocks(out, w, r, b, some, 3);
  else lookUpBlocks(out, w, r, b, some, 2);
}

@inline
function lookUpBlocks(out: usize, w: Weight, r: i32, b: i32, some: i32, bits: i32): void {
  const left = w.rows - 1 - r;
  const row = rowBytes(w.cols, bits);
  const to1 = row * min(1, left), to2 = row * min(2, left), to3 = row * min(3, left);
  const table = w.levels + <usize> r * w.levelStride;
  const levels0 = v128.load(table), levels1 = v128.load(table + <usize> min(1, left) * w.levelStride);
  const levels2 = v128.load(table + <usize> min(2, left) * w.levelStride);
  const levels3 = v128.load(table + <usize> min(3, left) * w.levelStride);
  let codes = w.data + <usize> r * row + <usize> (b * bits << 2);
  for (const end = out + <usize> some * EIGHT; out < end; out += EIGHT) {
    const p0 = pairs(codes, bits), p1 = pairs(codes + to1, bits);
    const p2 = pairs(codes + to2, bits), p3 = pairs(codes + to3, bits);
    const e0 = swizzle(levels0, evens(p0, bits)), e1 = swizzle(levels1, evens(p1, bits));
    const e2 = swizzle(levels2, evens(p2, bits)), e3 = swizzle(levels3, evens(p3, bits));
    storeTurned(out, 32, e0, e1, e2, e3);
    const o0 = swizzle(levels0, odds(p0, bits)), o1 = swizzle(levels1, odds(p1, bits));
    const o2 = swizzle(levels2, odds(p2, bits)), o3 = swizzle(levels3, odds(p3, bits));
    storeTurned(out + 128, 32, o0, o1, o2, o3);
    codes += 4 * bits;
  }
}

/**
 * out[t, j] += x[t] · ŵ[j] over a piece of a group, for the four tokens of x and the eight rows of a tile, or those that there are:
 * `left` tokens behind the first, n rows.
 */
function multiply(
  out: usize,
  x: usize,
  tile: usize,
  factors: usize,
  sum: usize,
  w: Weight,
  left: i32,
  some: i32,
  n: i32,
): void {
  const ones = i16x8.splat(1);
  let ta0 = f32x4.splat(0), ta1 = ta0, tb0 = ta0, tb1 = ta0, tc0 = ta0, tc1 = ta0, td0 = ta0, td1 = ta0;
  for (const end = x + <usize> some * RECORD4; x < end; x += RECORD4 - SUMS4) {
    let a0 = v128.load32_splat(x, SUMS4), a1 = a0, b0 = v128.load32_splat(x, SUMS4 + 4), b1 = b0;
    let c0 = v128.load32_splat(x, SUMS4 + 8), c1 = c0, d0 = v128.load32_splat(x, SUMS4 + 12), d1 = d0;
    // A loop, not its body eight times: the optimizer would put each sum's steps together, with all else in memory.
    for (const stop = x + SUMS4; x < stop; x += 16) {
      const four = v128.load(x), w0 = v128.load(tile), w1 = v128.load(tile, 16);
      let v = v128.shuffle<i32>(four, four, 0, 0, 0, 0);
      a0 = dotBytes(v, w0, a0, ones);
      a1 = dotBytes(v, w1, a1, ones);
      v = v128.shuffle<i32>(four, four, 1, 1, 1, 1);
      b0 = dotBytes(v, w0, b0, ones);
      b1 = dotBytes(v, w1, b1, ones);
      v = v128.shuffle<i32>(four, four, 2, 2, 2, 2);
      c0 = dotBytes(v, w0, c0, ones);
      c1 = dotBytes(v, w1, c1, ones);
      v = v128.shuffle<i32>(four, four, 3, 3, 3, 3);
      d0 = dotBytes(v, w0, d0, ones);
      d1 = dotBytes(v, w1, d1, ones);
      tile += 32;
    }
    const steps = v128.load(x, STEPS4 - SUMS4);
    let step = v128.shuffle<f32>(steps, steps, 0, 0, 0, 0);
    ta0 = madd(step, f32x4.convert_i32x4_s(a0), ta0);
    ta1 = madd(step, f32x4.convert_i32x4_s(a1), ta1);
    step = v128.shuffle<f32>(steps, steps, 1, 1, 1, 1);
    tb0 = madd(step, f32x4.convert_i32x4_s(b0), tb0);
    tb1 = madd(step, f32x4.convert_i32x4_s(b1), tb1);
    step = v128.shuffle<f32>(steps, steps, 2, 2, 2, 2);
    tc0 = madd(step, f32x4.convert_i32x4_s(c0), tc0);
    tc1 = madd(step, f32x4.convert_i32x4_s(c1), tc1);
    step = v128.shuffle<f32>(steps, steps, 3, 3, 3, 3);
    td0 = madd(step, f32x4.convert_i32x4_s(d0), td0);
    td1 = madd(step, f32x4.convert_i32x4_s(d1), td1);
  }
  const outBytes = <usize> w.rows << 2;
  const sumBytes = <usize> groupsOf(w) << 2;
  addUp(out, ta0, ta1, factors, sum, n);
  if (left >= 1) addUp(out + outBytes, tb0, tb1, factors, sum == 0 ? 0 : sum + sumBytes, n);
  if (left >= 2) addUp(out + 2 * outBytes, tc0, tc1, factors, sum == 0 ? 0 : sum + 2 * sumBytes, n);
  if (left >= 3) addUp(out + 3 * outBytes, td0, td1, factors, sum == 0 ? 0 : sum + 3 * sumBytes, n);
}

/** Adds to eight outputs of a token, or n, what a piece of their group gives. */
@inline
function addUp(out: usize, low: v128, high: v128, factors: usize, sum: usize, n: i32): void {
  addFour(out, low, factors, sum, n);
  if (n > 4) addFour(out + 16, high, factors + 32, sum, n - 4);
}

function addFour(out: usize, products: v128, factors: usize, sum: usize, n: i32): void {
  let value = madd(v128.load(factors), products, v128.load(out));
  if (sum != 0) value = madd(v128.load(factors, 16), v128.load32_splat(sum), value);
  if (n >= 4) {
    v128.store(out, value);
    return;
  }
  v128.store32_lane(out, value, 0);
  if (n > 1) v128.store32_lane(out, value, 1, 4);
  if (n > 2) v128.store32_lane(out, value, 2, 8);
}
