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
/** Bytes of a tile, of four rows of it before they are turned, and of its sums for four tokens. */
const TILE_BYTES: usize = 16384, ROOM_BYTES: usize = 4096, SUMS_BYTES: usize = 256;

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
 * out[t, r] = x[t] · ŵ[r] + bias[r] for rows [from, to); bias 0: none. An output is a sum in the order of columns, whatever is
 * computed beside it.
 *
 * @param x from {@link packColumns}.
 * @param scratch 20 KiB and 64 bytes for each token, of whole fours, for each piece of `grain` rows that may run at the same time.
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
  const fours = tokens + 3 >> 2;
  const tile = scratch + <usize> (from / grain) * (TILE_BYTES + ROOM_BYTES + <usize> fours * SUMS_BYTES);
  const room = tile + TILE_BYTES, sums = room + ROOM_BYTES;
  for (let r = from; r < to; r += ROWS) {
    const rows = min(ROWS, to - r);
    for (let c = 0; c < w.cols; c += COLS) {
      const end = min(c + COLS, w.cols);
      const panel = <usize> (end - c) * ROW, four = panel >> 1;
      for (let i = 0; i < rows; i += 4) {
        widenFour(tile + <usize> (i / PANEL) * panel + <usize> (i % PANEL << 2), w, r + i, c, end, room);
      }
      // Sums lie close together until they are complete: rows of out may be far apart.
      let at = x + (<usize> c * fours << 4);
      for (let sum = sums; sum < sums + <usize> fours * SUMS_BYTES; sum += SUMS_BYTES, at += four) {
        multiplyFour(sum, ROWS << 2, at, at + four, tile, 16, c > 0);
        if (rows > PANEL) multiplyFour(sum + ROW, ROWS << 2, at, at + four, tile + panel, 16, c > 0);
      }
    }
    for (let t = 0; t < tokens; t++) {
      store16(out + (<usize> (t * w.rows + r) << 2), sums + <usize> t * (ROWS << 2), bias == 0 ? 0 : bias + (<usize> r << 2), rows);
    }
  }
}

/** The first n of sixteen sums, and the bias. */
@inline
function store16(out: usize, sums: usize, bias: usize, n: i32): void {
  let i: usize = 0;
  const end = <usize> n << 2;
  for (; i + 16 <= end; i += 16) {
    const sum = v128.load(sums + i);
    v128.store(out + i, bias == 0 ? sum : f32x4.add(v128.load(bias + i), sum));
  }
  for (; i < end; i += 4) store<f32>(out + i, load<f32>(sums + i) + (bias == 0 ? 0 : load<f32>(bias + i)));
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
