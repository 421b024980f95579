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

/** Blocks of 32 columns of a tile at most: eight rows of looked-up codes, which stay in the first-level cache. */
const BLOCKS: i32 = 64;
/** Bytes of a block of a tile, of a tile, and of a piece's tile with the factors of its groups. */
const EIGHT: usize = 256, TILE_BYTES: usize = 16384, PIECE_BYTES: usize = 20480;

/**
 * out[t, r] ≈ x[t] · ŵ[r] + bias[r] for rows [from, to), from a multiple of 8 on, of a weight whose groups are whole blocks of
 * 32 columns, or one; bias 0: none.
 *
 * @param x from {@link packFours}.
 * @param sums of groups, from prepareInt8.
 * @param scratch 20 KiB for each piece of `grain` rows that may run at the same time.
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
  const tile = scratch + <usize> (from / grain) * PIECE_BYTES;
  const factors = tile + TILE_BYTES;
  const blocks = w.cols + 31 >> 5;
  const groups = groupsOf(w);
  const perGroup = w.groupSize + 31 >> 5;
  // A tile has whole groups, or a part of one.
  const most = perGroup < BLOCKS ? BLOCKS / perGroup * perGroup : BLOCKS;
  for (let r = from; r < to; r += 8) {
    const n = min(8, to - r);
    let end = 0;
    for (let b = 0; b < blocks; b = end) {
      end = min(b + most, min(blocks, perGroup < BLOCKS ? blocks : (b / perGroup + 1) * perGroup));
      // Rows of four that are missing are the last again.
      for (let i = 0; i < n; i += 4) {
        lookUp(tile + (<usize> i << 2), w, r + i, b, end - b);
        let at = factors + (<usize> i << 3);
        for (let g = b / perGroup; g * perGroup < end; g++, at += 64) gatherFactors(at, w, r + i, g);
      }
      for (let t = 0; t < tokens; t += 4) {
        const four = x + <usize> (t >> 2) * blocks * RECORD4;
        const target = out + (<usize> t * w.rows + r << 2);
        multiply(target, four, tile, factors, sums + (<usize> t * groups << 2), w, bias == 0 ? 0 : bias + (<usize> r << 2), tokens - 1 - t, b, end, n);
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
 * out[t, j] = x[t] · ŵ[j] + bias[j] over blocks [begin, end), added to what is there unless they are the first, for the four
 * tokens of x and the eight rows of a tile, or those that there are: `left` tokens behind the first, n rows.
 */
function multiply(
  out: usize,
  x: usize,
  tile: usize,
  factors: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  left: i32,
  begin: i32,
  end: i32,
  n: i32,
): void {
  const ones = i16x8.splat(1);
  const outBytes = <usize> w.rows << 2, sumBytes = <usize> groupsOf(w) << 2;
  const perGroup = w.groupSize + 31 >> 5;
  // If tokens are missing the last stands again.
  const second = <usize> min(1, left), third = <usize> min(2, left), fourth = <usize> min(3, left);
  const outB = out + second * outBytes, outC = out + third * outBytes, outD = out + fourth * outBytes;
  let ya0 = f32x4.splat(0), ya1 = ya0, yb0 = ya0, yb1 = ya0, yc0 = ya0, yc1 = ya0, yd0 = ya0, yd1 = ya0;
  if (begin > 0) {
    ya0 = v128.load(out);
    ya1 = v128.load(out, 16);
    yb0 = v128.load(outB);
    yb1 = v128.load(outB, 16);
    yc0 = v128.load(outC);
    yc1 = v128.load(outC, 16);
    yd0 = v128.load(outD);
    yd1 = v128.load(outD, 16);
  } else if (bias != 0) {
    ya0 = yb0 = yc0 = yd0 = v128.load(bias);
    ya1 = yb1 = yc1 = yd1 = v128.load(bias, 16);
  }
  x += <usize> begin * RECORD4;
  for (let b = begin; b < end; factors += 64) {
    const g = b / perGroup;
    const groupEnd = min((g + 1) * perGroup, end);
    let ta0 = f32x4.splat(0), ta1 = ta0, tb0 = ta0, tb1 = ta0, tc0 = ta0, tc1 = ta0, td0 = ta0, td1 = ta0;
    for (const last = x + <usize> (groupEnd - b) * RECORD4; x < last; x += RECORD4 - SUMS4) {
      let a0 = v128.load32_splat(x, SUMS4), a1 = a0, b0 = v128.load32_splat(x, SUMS4 + 4), b1 = b0;
      let c0 = v128.load32_splat(x, SUMS4 + 8), c1 = c0, d0 = v128.load32_splat(x, SUMS4 + 12), d1 = d0;
      // A loop, not its body eight times: the optimizer would put each sum's steps together, with all else in memory.
      for (const stop = x + SUMS4; x < stop; x += 16) {
        const four = v128.load(x), w0 = v128.load(tile), w1 = v128.load(tile, 16);
        const x0 = v128.shuffle<i32>(four, four, 0, 0, 0, 0);
        a0 = dotBytes(x0, w0, a0, ones);
        a1 = dotBytes(x0, w1, a1, ones);
        const x1 = v128.shuffle<i32>(four, four, 1, 1, 1, 1);
        b0 = dotBytes(x1, w0, b0, ones);
        b1 = dotBytes(x1, w1, b1, ones);
        const x2 = v128.shuffle<i32>(four, four, 2, 2, 2, 2);
        c0 = dotBytes(x2, w0, c0, ones);
        c1 = dotBytes(x2, w1, c1, ones);
        const x3 = v128.shuffle<i32>(four, four, 3, 3, 3, 3);
        d0 = dotBytes(x3, w0, d0, ones);
        d1 = dotBytes(x3, w1, d1, ones);
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
    const low = v128.load(factors), high = v128.load(factors, 32);
    ya0 = madd(low, ta0, ya0);
    ya1 = madd(high, ta1, ya1);
    yb0 = madd(low, tb0, yb0);
    yb1 = madd(high, tb1, yb1);
    yc0 = madd(low, tc0, yc0);
    yc1 = madd(high, tc1, yc1);
    yd0 = madd(low, td0, yd0);
    yd1 = madd(high, td1, yd1);
    if (b == g * perGroup) {
      // What hangs on the sum of a group is added with the first of its pieces.
      const low = v128.load(factors, 16), high = v128.load(factors, 48);
      const at = sums + (<usize> g << 2);
      let sum = v128.load32_splat(at);
      ya0 = madd(low, sum, ya0);
      ya1 = madd(high, sum, ya1);
      sum = v128.load32_splat(at + second * sumBytes);
      yb0 = madd(low, sum, yb0);
      yb1 = madd(high, sum, yb1);
      sum = v128.load32_splat(at + third * sumBytes);
      yc0 = madd(low, sum, yc0);
      yc1 = madd(high, sum, yc1);
      sum = v128.load32_splat(at + fourth * sumBytes);
      yd0 = madd(low, sum, yd0);
      yd1 = madd(high, sum, yd1);
    }
    b = groupEnd;
  }
  storeEight(out, ya0, ya1, n);
  if (left >= 1) storeEight(outB, yb0, yb1, n);
  if (left >= 2) storeEight(outC, yc0, yc1, n);
  if (left >= 3) storeEight(outD, yd0, yd1, n);
}

/** Stores the first n of eight outputs. */
@inline
function storeEight(out: usize, low: v128, high: v128, n: i32): void {
  if (n == 8) {
    v128.store(out, low);
    v128.store(out, high, 16);
  } else storeFew(out, low, high, n);
}

function storeFew(out: usize, low: v128, high: v128, n: i32): void {
  for (let i = 0; i < n; i++) {
    v128.store32_lane(out, i < 4 ? low : high, 0);
    low = v128.shuffle<i32>(low, low, 1, 2, 3, 0);
    if (i >= 4) high = v128.shuffle<i32>(high, high, 1, 2, 3, 0);
    out += 4;
  }
}
