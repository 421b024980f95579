/**
 * Products with many tokens: a tile of weights is widened to float32 once and multiplied by all tokens.
 */
import { widenRow } from "./dequantize";
import { madd, sum, sums } from "./simd";
import { Weight } from "./weight";

/** Rows and columns of a tile, which stays in the first-level cache; the columns are a multiple of 32. */
const ROWS: i32 = 16;
const COLS: i32 = 256;
/** log2 of the bytes of a tile. */
const TILE_SHIFT: usize = 14;

/**
 * Prepares x, [tokens, cols], for {@link matmul}, for tokens [from, to): blocks of columns lie one behind the other, each
 * [tokens, 256] with zeros behind the last column.
 */
export function packColumns(out: usize, x: usize, tokens: i32, cols: i32, from: i32, to: i32): void {
  for (let c = 0; c < cols; c += COLS) {
    const bytes = <usize> min(COLS, cols - c) << 2;
    for (let t = from; t < to; t++) {
      const target = out + (<usize> c * tokens + <usize> t * COLS << 2);
      memory.copy(target, x + (<usize> t * cols + c << 2), bytes);
      memory.fill(target + bytes, 0, (COLS << 2) - bytes);
    }
  }
}

/**
 * out[t, r] = x[t] · ŵ[r] + bias[r] for rows [from, to); bias 0: none.
 *
 * @param x from {@link packColumns}.
 * @param scratch a tile of 16 KiB for each piece of `grain` rows that may run at the same time.
 */
export function matmul(
  out: usize,
  x: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  scratch: usize,
  grain: i32,
  from: i32,
  to: i32,
): void {
  const tile = scratch + (<usize> (from / grain) << TILE_SHIFT);
  for (let r = from; r < to; r += ROWS) {
    const n = min(ROWS, to - r);
    const target = out + (<usize> r << 2);
    for (let t = 0; t < tokens; t++) {
      let row = target + (<usize> t * w.rows << 2), at = bias + (<usize> r << 2);
      let i = 0;
      for (; i + 4 <= n; i += 4, row += 16, at += 16) v128.store(row, bias == 0 ? f32x4.splat(0) : v128.load(at));
      for (; i < n; i++, row += 4, at += 4) store<f32>(row, bias == 0 ? 0 : load<f32>(at));
    }
    for (let c = 0; c < w.cols; c += COLS) {
      const end = min(c + COLS, w.cols);
      for (let i = 0; i < n; i++) widenRow(tile + (<usize> i * COLS << 2), w, r + i, c, end);
      const bytes = <usize> (end - c + 31 & ~31) << 2;
      multiply(target, x + (<usize> c * tokens << 2), tile, tokens, n, w.rows, bytes);
    }
  }
}

/**
 * out[t, i] += x[t] · tile[i] for n rows of the tile. Blocks of 2 × 4 outputs share their loads: more would not fit the
 * 16 registers of x64. Whatever the block, an output is the same sum in the same order.
 *
 * @param rows columns of out.
 * @param bytes of a row to multiply, a multiple of 32.
 */
function multiply(out: usize, x: usize, tile: usize, tokens: i32, n: i32, rows: i32, bytes: usize): void {
  const outBytes = <usize> rows << 2;
  let t = 0;
  for (; t + 2 <= tokens; t += 2) {
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      multiply2x4(out + (<usize> i << 2), outBytes, x, tile + (<usize> i * COLS << 2), bytes);
    }
    for (; i < n; i++) {
      const at = out + (<usize> i << 2), w = tile + (<usize> i * COLS << 2);
      multiply1x1(at, x, w, bytes);
      multiply1x1(at + outBytes, x + 4 * COLS, w, bytes);
    }
    out += 2 * outBytes;
    x += 8 * COLS;
  }
  if (t == tokens) return;
  for (let i = 0; i < n; i++) {
    multiply1x1(out + (<usize> i << 2), x, tile + (<usize> i * COLS << 2), bytes);
  }
}

function multiply1x1(out: usize, x: usize, w: usize, bytes: usize): void {
  let a = f32x4.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) a = madd(v128.load(x + k), v128.load(w + k), a);
  store<f32>(out, load<f32>(out) + sum(a));
}

function multiply2x4(out: usize, outBytes: usize, x: usize, w: usize, bytes: usize): void {
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (const end = x + bytes; x < end; x += 32) {
    let a = v128.load(x), b = v128.load(x, 4 * COLS);
    let v = v128.load(w);
    a0 = madd(a, v, a0);
    b0 = madd(b, v, b0);
    v = v128.load(w, 4 * COLS);
    a1 = madd(a, v, a1);
    b1 = madd(b, v, b1);
    v = v128.load(w, 8 * COLS);
    a2 = madd(a, v, a2);
    b2 = madd(b, v, b2);
    v = v128.load(w, 12 * COLS);
    a3 = madd(a, v, a3);
    b3 = madd(b, v, b3);
    a = v128.load(x, 16);
    b = v128.load(x, 4 * COLS + 16);
    v = v128.load(w, 16);
    a0 = madd(a, v, a0);
    b0 = madd(b, v, b0);
    v = v128.load(w, 4 * COLS + 16);
    a1 = madd(a, v, a1);
    b1 = madd(b, v, b1);
    v = v128.load(w, 8 * COLS + 16);
    a2 = madd(a, v, a2);
    b2 = madd(b, v, b2);
    v = v128.load(w, 12 * COLS + 16);
    a3 = madd(a, v, a3);
    b3 = madd(b, v, b3);
    w += 32;
  }
  v128.store(out, f32x4.add(v128.load(out), sums(a0, a1, a2, a3)));
  out += outBytes;
  v128.store(out, f32x4.add(v128.load(out), sums(b0, b1, b2, b3)));
}
