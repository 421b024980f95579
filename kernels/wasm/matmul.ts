/**
 * Products with many tokens: a tile of weights is widened to float32 once and multiplied by all tokens.
 */
import { widenRow } from "./dequantize";
import { madd, sum } from "./simd";
import { Weight } from "./weight";

/** Rows and columns of a tile, which stays in the first-level cache; the columns are a multiple of 32. */
const ROWS: i32 = 16;
const COLS: i32 = 256;
/** log2 of the bytes of a tile. */
const TILE_SHIFT: usize = 14;

/** Copies rows [from, to) of x, [tokens, cols], to rows of `stride` columns, zeros behind. */
export function padRows(out: usize, x: usize, cols: i32, stride: i32, from: i32, to: i32): void {
  for (let t = from; t < to; t++) {
    const target = out + (<usize> t * stride << 2);
    memory.copy(target, x + (<usize> t * cols << 2), <usize> cols << 2);
    memory.fill(target + (<usize> cols << 2), 0, <usize> (stride - cols) << 2);
  }
}

/**
 * out[t, r] = x[t] · ŵ[r] + bias[r] for rows [from, to); bias 0: none.
 *
 * @param x [tokens, stride], stride = cols rounded up to a multiple of 4, zeros behind cols.
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
  const stride = w.cols + 3 & ~3;
  for (let r = from; r < to; r += ROWS) {
    const n = min(ROWS, to - r);
    for (let c = 0; c < w.cols; c += COLS) {
      const end = min(c + COLS, w.cols);
      for (let i = 0; i < n; i++) widenRow(tile + (<usize> i * COLS << 2), w, r + i, c, end);
      const depth = <usize> (end - c + 3 & ~3) << 2;
      const target = out + (<usize> r << 2);
      multiply(
        target,
        x + (<usize> c << 2),
        tile,
        tokens,
        w.rows,
        n,
        <usize> stride << 2,
        depth,
        c == 0 ? bias : -1,
        r,
      );
    }
  }
}

/** out[t, i] (+)= x[t] · tile[i] over `depth` bytes. first: what starts the sum, a bias or 0; −1 adds to what is there. */
@inline
function multiply(
  out: usize,
  x: usize,
  tile: usize,
  tokens: i32,
  rows: i32,
  n: i32,
  stride: usize,
  depth: usize,
  first: usize,
  r: i32,
): void {
  for (let t = 0; t < tokens; t++) {
    for (let i = 0; i < n; i++) {
      const at = out + (<usize> t * rows + i << 2);
      const w = tile + (<usize> i * COLS << 2);
      let a = f32x4.splat(0);
      for (let k: usize = 0; k < depth; k += 16) {
        a = madd(v128.load(x + <usize> t * stride + k), v128.load(w + k), a);
      }
      const start: f32 = first == 0
        ? 0
        : first == -1
        ? load<f32>(at)
        : load<f32>(first + (<usize> (r + i) << 2));
      store<f32>(at, start + sum(a));
    }
  }
}
