/**
 * Products of weights of 2, 3 or 4 bits with many tokens in whole numbers of 8 bits: activations by prepareInt8 of
 * prepare_rounded.ts, codebooks by lib/compute/wasm/rounded_tables.ts. Sixteen products are one instruction, where float32
 * takes four.
 */
import { rowBytes } from "./codes";
import { evens, odds, pairs } from "./planes";
import { madd, sum, sums, swizzle } from "./simd";
import { groupsOf, scaleAt, Weight, zeroAt } from "./weight";

/** Rows and bytes of a row of a tile of looked-up codes, which stays in the first-level cache. */
const ROWS: i32 = 16;
const STRIDE: usize = 512;
/** log2 of the bytes of a tile. */
const TILE_SHIFT: usize = 13;
/** A level's distance from the middle of its codebook: levels are 0 … 127. */
const MIDDLE: f32 = 63.5;

/**
 * out[t, r] ≈ x[t] · ŵ[r] + bias[r] for rows [from, to) of a weight whose groups are whole blocks of 32 columns, or one;
 * bias 0: none.
 *
 * @param x,plain rounded activations, [tokens, blocks · 32] bytes, and the sums of groups that come with them.
 * @param steps of the rounded activations, [tokens, blocks].
 * @param scratch a tile of 8 KiB for each piece of `grain` rows that may run at the same time.
 */
export function matmulInt8(
  out: usize,
  x: usize,
  steps: usize,
  plain: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  scratch: usize,
  grain: i32,
  from: i32,
  to: i32,
): void {
  const tile = scratch + (<usize> (from / grain) << TILE_SHIFT);
  const blocks = w.cols + 31 >> 5;
  const groups = groupsOf(w);
  const width = min(w.groupSize + 31 & ~31, blocks << 5);
  for (let r = from; r < to; r += ROWS) {
    const n = min(ROWS, to - r);
    const target = out + (<usize> r << 2);
    for (let t = 0; t < tokens; t++) {
      const row = target + (<usize> t * w.rows << 2);
      if (bias == 0) memory.fill(row, 0, <usize> n << 2);
      else memory.copy(row, bias + (<usize> r << 2), <usize> n << 2);
    }
    for (let g = 0; g < groups; g++) {
      const end = min((g + 1) * width, blocks << 5);
      for (let c = g * width; c < end; c += <i32> STRIDE) {
        const bytes = min(<i32> STRIDE, end - c);
        for (let i = 0; i < n; i++) lookUp(tile + <usize> i * STRIDE, w, r + i, c, bytes);
        // What hangs on sums of a group is added with the first of its pieces.
        const sumsOfX = c == g * width ? plain + (<usize> g << 2) : 0;
        const at = x + c, stepsAt = steps + (<usize> (c >> 5) << 2);
        let i = 0;
        for (; i + 4 <= n; i += 4) {
          fourRows(target + (<usize> i << 2), at, stepsAt, sumsOfX, tile + <usize> i * STRIDE, w, r + i, g, tokens, bytes);
        }
        for (; i < n; i++) {
          oneRow(target + (<usize> i << 2), at, stepsAt, sumsOfX, tile + <usize> i * STRIDE, w, r + i, g, tokens, bytes);
        }
      }
    }
  }
}

/** Levels of columns [c, c + bytes) of row r, whole blocks: of each the even columns first. */
function lookUp(out: usize, w: Weight, r: i32, c: i32, bytes: i32): void {
  const levels = v128.load(w.levels + <usize> r * w.levelStride, 8);
  const codes = w.data + <usize> r * rowBytes(w.cols, w.bits) + (<usize> (c >> 5) * w.bits << 2);
  if (w.bits == 4) lookUpBlocks(out, codes, levels, bytes, 4);
  else if (w.bits == 3) lookUpBlocks(out, codes, levels, bytes, 3);
  else lookUpBlocks(out, codes, levels, bytes, 2);
}

@inline
function lookUpBlocks(out: usize, codes: usize, levels: v128, bytes: i32, bits: i32): void {
  for (const end = out + bytes; out < end; out += 32) {
    const two = pairs(codes, bits);
    v128.store(out, swizzle(levels, evens(two, bits)));
    v128.store(out, swizzle(levels, odds(two, bits)), 16);
    codes += 4 * bits;
  }
}

/** What a row's sums are multiplied by: a level's worth, and of Σ x what its codebook's middle and its zero make of it. */
@inline
function worth(w: Weight, r: i32, g: i32): f32 {
  return load<f32>(w.levels + <usize> r * w.levelStride) * scaleAt(w, r * groupsOf(w) + g);
}

@inline
function offset(w: Weight, r: i32, g: i32): f32 {
  const i = r * groupsOf(w) + g;
  return load<f32>(w.levels + <usize> r * w.levelStride, 4) * scaleAt(w, i) + zeroAt(w, i);
}

/** out[t, i] += x[t] · ŵ[r + i] over a piece of group g, for four rows. */
function fourRows(
  out: usize,
  x: usize,
  steps: usize,
  sumsOfX: usize,
  tile: usize,
  w: Weight,
  r: i32,
  g: i32,
  tokens: i32,
  bytes: i32,
): void {
  const factor = f32x4(worth(w, r, g), worth(w, r + 1, g), worth(w, r + 2, g), worth(w, r + 3, g));
  const offsets = f32x4(offset(w, r, g), offset(w, r + 1, g), offset(w, r + 2, g), offset(w, r + 3, g));
  const excess = f32x4.mul(factor, f32x4.splat(-MIDDLE));
  const outBytes = <usize> w.rows << 2;
  const blocks = <usize> (w.cols + 31 >> 5);
  const groups = <usize> groupsOf(w) << 2;
  const toRounded = <usize> tokens * groups;
  const ones = i16x8.splat(1);
  let t = 0;
  for (; t + 2 <= tokens; t += 2) {
    let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    let at = x, step = steps, row = tile;
    for (const end = x + bytes; at < end; at += 32) {
      const xa = v128.load(at), xa1 = v128.load(at, 16);
      const xb = v128.load(at + (blocks << 5)), xb1 = v128.load(at + (blocks << 5), 16);
      const stepA = v128.load32_splat(step), stepB = v128.load32_splat(step + (blocks << 2));
      let l = v128.load(row), h = v128.load(row, 16);
      a0 = madd(stepA, dot(xa, xa1, l, h, ones), a0);
      b0 = madd(stepB, dot(xb, xb1, l, h, ones), b0);
      l = v128.load(row, STRIDE);
      h = v128.load(row, STRIDE + 16);
      a1 = madd(stepA, dot(xa, xa1, l, h, ones), a1);
      b1 = madd(stepB, dot(xb, xb1, l, h, ones), b1);
      l = v128.load(row, 2 * STRIDE);
      h = v128.load(row, 2 * STRIDE + 16);
      a2 = madd(stepA, dot(xa, xa1, l, h, ones), a2);
      b2 = madd(stepB, dot(xb, xb1, l, h, ones), b2);
      l = v128.load(row, 3 * STRIDE);
      h = v128.load(row, 3 * STRIDE + 16);
      a3 = madd(stepA, dot(xa, xa1, l, h, ones), a3);
      b3 = madd(stepB, dot(xb, xb1, l, h, ones), b3);
      row += 32;
      step += 4;
    }
    addUp(out, sums(a0, a1, a2, a3), factor, offsets, excess, sumsOfX, toRounded);
    addUp(out + outBytes, sums(b0, b1, b2, b3), factor, offsets, excess, sumsOfX ? sumsOfX + groups : 0, toRounded);
    out += 2 * outBytes;
    x += blocks << 6;
    steps += blocks << 3;
    if (sumsOfX) sumsOfX += 2 * groups;
  }
  if (t == tokens) return;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let c: usize = 0; c < <usize> bytes; c += 32) {
    const xa = v128.load(x + c), xa1 = v128.load(x + c, 16);
    const step = v128.load32_splat(steps + (c >> 3));
    const row = tile + c;
    a0 = madd(step, dot(xa, xa1, v128.load(row), v128.load(row, 16), ones), a0);
    a1 = madd(step, dot(xa, xa1, v128.load(row, STRIDE), v128.load(row, STRIDE + 16), ones), a1);
    a2 = madd(step, dot(xa, xa1, v128.load(row, 2 * STRIDE), v128.load(row, 2 * STRIDE + 16), ones), a2);
    a3 = madd(step, dot(xa, xa1, v128.load(row, 3 * STRIDE), v128.load(row, 3 * STRIDE + 16), ones), a3);
  }
  addUp(out, sums(a0, a1, a2, a3), factor, offsets, excess, sumsOfX, toRounded);
}

/** Adds to four outputs of a token what a piece of their group gives. */
@inline
function addUp(
  out: usize,
  products: v128,
  factor: v128,
  offsets: v128,
  excess: v128,
  sumsOfX: usize,
  toRounded: usize,
): void {
  let value = madd(factor, products, v128.load(out));
  if (sumsOfX) {
    value = madd(offsets, v128.load32_splat(sumsOfX), value);
    value = madd(excess, v128.load32_splat(sumsOfX + toRounded), value);
  }
  v128.store(out, value);
}

/** {@link fourRows} for a single row, each output as there. */
function oneRow(
  out: usize,
  x: usize,
  steps: usize,
  sumsOfX: usize,
  tile: usize,
  w: Weight,
  r: i32,
  g: i32,
  tokens: i32,
  bytes: i32,
): void {
  const factor = worth(w, r, g), offsets = offset(w, r, g);
  const blocks = <usize> (w.cols + 31 >> 5);
  const groups = <usize> groupsOf(w) << 2;
  const ones = i16x8.splat(1);
  for (let t = 0; t < tokens; t++) {
    let total = f32x4.splat(0);
    for (let c: usize = 0; c < <usize> bytes; c += 32) {
      const products = dot(v128.load(x + c), v128.load(x + c, 16), v128.load(tile + c), v128.load(tile + c, 16), ones);
      total = madd(v128.load32_splat(steps + (c >> 3)), products, total);
    }
    let value = load<f32>(out) + factor * sum(total);
    if (sumsOfX) {
      value += offsets * load<f32>(sumsOfX) - factor * MIDDLE * load<f32>(sumsOfX + <usize> tokens * groups);
      sumsOfX += groups;
    }
    store<f32>(out, value);
    out += <usize> w.rows << 2;
    x += blocks << 5;
    steps += blocks << 2;
  }
}

/** Products of 32 columns in four lanes; x of 8 bits with a sign, levels of 7 without. No sum leaves its range. */
@inline
function dot(x: v128, next: v128, levels: v128, nextLevels: v128, ones: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const first = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, levels, i32x4.splat(0));
    return f32x4.convert_i32x4_s(i32x4.relaxed_dot_i8x16_i7x16_add_s(next, nextLevels, first));
  }
  const a = i16x8.add(i16x8.extmul_low_i8x16_s(x, levels), i16x8.extmul_high_i8x16_s(x, levels));
  const b = i16x8.add(i16x8.extmul_low_i8x16_s(next, nextLevels), i16x8.extmul_high_i8x16_s(next, nextLevels));
  return f32x4.convert_i32x4_s(i32x4.add(i32x4.dot_i16x8_s(a, ones), i32x4.dot_i16x8_s(b, ones)));
}
