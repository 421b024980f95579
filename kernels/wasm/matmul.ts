/**
 * Products with many tokens: a tile of weights is widened to float32 once and multiplied by all tokens. What loads cost is what
 * counts, as engines check each one's address: four tokens by eight rows take three for eight multiplications.
 */
import { widenRow } from "./dequantize";
import { F16, F32, load1, load4, shiftOf } from "./dtype";
import { multiplyFour, PANEL, ROW } from "./panels";
import { storeTurned } from "./simd";
import { Weight } from "./weight";

/** Rows and columns of a tile, two panels of eight rows, which stay in the first-level cache. */
const ROWS: i32 = 16;
const COLS: i32 = 256;
/** Bytes of a tile, and of a piece's tile with room for four widened rows, or for what four tokens give. */
const TILE_BYTES: usize = 16384, PIECE_BYTES: usize = 20480;

/**
 * Prepares x, [tokens, cols], for {@link matmul}, for fours of tokens [from, to): blocks of 256 columns lie one behind the other,
 * the last with those that there are, each [fours, columns, 4]. The last token stands for those that are missing.
 */
export function packColumns(out: usize, x: usize, tokens: i32, cols: i32, from: i32, to: i32): void {
  const fours = tokens + 3 >> 2;
  for (let four = from; four < to; four++) {
    const t = 4 * four, left = tokens - 1 - t;
    const x0 = x + (<usize> t * cols << 2);
    const row = <usize> cols << 2;
    const x1 = x0 + row * min(1, left), x2 = x0 + row * min(2, left), x3 = x0 + row * min(3, left);
    for (let c = 0; c < cols; c += COLS) {
      const n = min(COLS, cols - c);
      let target = out + (<usize> c * fours + <usize> four * n << 4);
      let at = <usize> c << 2;
      const end = at + (<usize> n << 2);
      for (; at + 16 <= end; at += 16, target += 64) {
        storeTurned(target, 16, v128.load(x0 + at), v128.load(x1 + at), v128.load(x2 + at), v128.load(x3 + at));
      }
      for (; at < end; at += 4, target += 16) {
        store<f32>(target, load<f32>(x0 + at));
        store<f32>(target, load<f32>(x1 + at), 4);
        store<f32>(target, load<f32>(x2 + at), 8);
        store<f32>(target, load<f32>(x3 + at), 12);
      }
    }
  }
}

/**
 * out[t, r] = x[t] · ŵ[r] + bias[r] for rows [from, to); bias 0: none. An output is a sum of blocks' sums, each in the order of
 * columns, whatever is computed beside it.
 *
 * @param x from {@link packColumns}.
 * @param scratch 20 KiB for each piece of `grain` rows that may run at the same time.
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
  const tile = scratch + <usize> (from / grain) * PIECE_BYTES;
  const room = tile + TILE_BYTES;
  const outBytes = <usize> w.rows << 2;
  const fours = tokens + 3 >> 2;
  for (let r = from; r < to; r += ROWS) {
    const target = out + (<usize> r << 2);
    for (let c = 0; c < w.cols; c += COLS) {
      const end = min(c + COLS, w.cols);
      const panel = <usize> (end - c) * ROW, four = panel >> 1;
      for (let i = 0; i < ROWS && r + i < to; i += 4) {
        widenFour(tile + <usize> (i / PANEL) * panel + <usize> (i % PANEL << 2), w, r + i, c, end, room);
      }
      let at = x + (<usize> c * fours << 4);
      for (let t = 0; t < tokens; t += 4, at += four) {
        const y = target + <usize> t * outBytes;
        for (let i = 0; i < ROWS && r + i < to; i += PANEL) {
          multiplyFour(room, ROW, at, at + four, tile + <usize> (i / PANEL) * panel, false);
          const begin = bias == 0 ? 0 : bias + (<usize> (r + i) << 2);
          add(y + (<usize> i << 2), outBytes, room, begin, c == 0, min(4, tokens - t), min(PANEL, to - r - i));
        }
      }
    }
  }
}

/** out += what four tokens give eight rows, or those that there are; the first block's sums are added to the bias. */
@inline
function add(out: usize, outBytes: usize, sums: usize, bias: usize, first: bool, tokens: i32, rows: i32): void {
  for (let t = 0; t < tokens; t++, out += outBytes, sums += ROW) {
    const before = first ? bias : out;
    if (rows == PANEL) {
      let a = v128.load(sums), b = v128.load(sums, 16);
      if (before != 0) {
        a = f32x4.add(v128.load(before), a);
        b = f32x4.add(v128.load(before, 16), b);
      }
      v128.store(out, a);
      v128.store(out, b, 16);
    } else {
      for (let at: usize = 0; at < <usize> rows << 2; at += 4) {
        store<f32>(out + at, (before == 0 ? 0 : load<f32>(before + at)) + load<f32>(sums + at));
      }
    }
  }
}

/**
 * Columns [start, end) of four rows from r on, turned, at a panel's half; the last row stands for those that are missing.
 *
 * @param room for four widened rows.
 */
function widenFour(out: usize, w: Weight, r: i32, start: i32, end: i32, room: usize): void {
  const left = w.rows - 1 - r;
  const dtype = w.dtype;
  if (w.bits == 0) {
    const row = <usize> w.cols << shiftOf(dtype);
    const at = w.data + (<usize> r * w.cols + start << shiftOf(dtype));
    turnFour(out, at, at + row * min(1, left), at + row * min(2, left), at + row * min(3, left), end - start, dtype);
    return;
  }
  const row = <usize> COLS << 2;
  for (let i = 0; i < 4; i++) widenRow(room + <usize> i * row, w, r + min(i, left), start, end);
  turnFour(out, room, room + row, room + 2 * row, room + 3 * row, end - start, F32);
}

/** n values of each of four rows, as columns a panel's row apart. */
@inline
function turnFour(out: usize, a: usize, b: usize, c: usize, d: usize, n: i32, dtype: i32): void {
  if (dtype == F32) turn(out, a, b, c, d, n, F32);
  else if (dtype == F16) turn(out, a, b, c, d, n, F16);
  else turn(out, a, b, c, d, n, dtype);
}

@inline
function turn(out: usize, a: usize, b: usize, c: usize, d: usize, n: i32, dtype: i32): void {
  const step = <usize> 1 << shiftOf(dtype);
  let i = 0;
  for (; i + 4 <= n; i += 4, out += 4 * ROW, a += 4 * step, b += 4 * step, c += 4 * step, d += 4 * step) {
    storeTurned(out, ROW, load4(a, dtype), load4(b, dtype), load4(c, dtype), load4(d, dtype));
  }
  for (; i < n; i++, out += ROW, a += step, b += step, c += step, d += step) {
    store<f32>(out, load1(a, dtype));
    store<f32>(out, load1(b, dtype), 4);
    store<f32>(out, load1(c, dtype), 8);
    store<f32>(out, load1(d, dtype), 12);
  }
}
