/**
 * Products of panels, eight columns side by side: what Hessians and gradients are summed by.
 */
import { madd } from "./simd";

/** Columns of a panel: two vectors. */
export const PANEL: i32 = 8;
/** Bytes of a panel's row. */
export const ROW: usize = 32;

/**
 * Prepares x, [tokens, cols], for {@link addTile}, for tokens [from, to): panels of 8 columns lie one behind the other, each
 * [tokens, 8] with zeros behind the last column.
 */
export function packPanels(out: usize, x: usize, tokens: i32, cols: i32, from: i32, to: i32): void {
  const panel = <usize> tokens * ROW;
  for (let t = from; t < to; t++) {
    const row = x + (<usize> t * cols << 2);
    let target = out + <usize> t * ROW;
    for (let c = 0; c < cols; c += PANEL) {
      if (c + PANEL <= cols) {
        v128.store(target, v128.load(row + (<usize> c << 2)));
        v128.store(target, v128.load(row + (<usize> c << 2), 16), 16);
      } else {
        const bytes = <usize> (cols - c) << 2;
        memory.copy(target, row + (<usize> c << 2), bytes);
        memory.fill(target + bytes, 0, ROW - bytes);
      }
      target += panel;
    }
  }
}

/**
 * out[i] = Σ a[k, i] · b[k], of eight values for each of four rows that lie `apart`, added to what is there if `more`; a, four
 * values for each k, `step` bytes apart, ends at `end`.
 */
@inline
export function multiplyFour(
  out: usize, apart: usize, a: usize, end: usize, b: usize, step: usize, more: bool,
): void {
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  if (more) {
    a0 = v128.load(out);
    a1 = v128.load(out, 16);
    b0 = v128.load(out + apart);
    b1 = v128.load(out + apart, 16);
    c0 = v128.load(out + 2 * apart);
    c1 = v128.load(out + 2 * apart, 16);
    d0 = v128.load(out + 3 * apart);
    d1 = v128.load(out + 3 * apart, 16);
  }
  // No name is given twice, and the body stands once: optimizers make much more of that.
  for (; a < end; a += step) {
    const four = v128.load(a), left = v128.load(b), right = v128.load(b, 16);
    const x0 = v128.shuffle<f32>(four, four, 0, 0, 0, 0);
    a0 = madd(x0, left, a0);
    a1 = madd(x0, right, a1);
    const x1 = v128.shuffle<f32>(four, four, 1, 1, 1, 1);
    b0 = madd(x1, left, b0);
    b1 = madd(x1, right, b1);
    const x2 = v128.shuffle<f32>(four, four, 2, 2, 2, 2);
    c0 = madd(x2, left, c0);
    c1 = madd(x2, right, c1);
    const x3 = v128.shuffle<f32>(four, four, 3, 3, 3, 3);
    d0 = madd(x3, left, d0);
    d1 = madd(x3, right, d1);
    b += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out + apart, b0);
  v128.store(out + apart, b1, 16);
  v128.store(out + 2 * apart, c0);
  v128.store(out + 2 * apart, c1, 16);
  v128.store(out + 3 * apart, d0);
  v128.store(out + 3 * apart, d1, 16);
}

/**
 * sum[r + i, c + j] += Σ a[k, i] · b[k, j], of [m, n], four rows by eight columns, for panels of so many bytes. If `mirror`, what
 * lies below the diagonal is written as the mirror of what lies above.
 */
export function addTile(sum: usize, a: usize, b: usize, bytes: usize, m: i32, n: i32, r: i32, c: i32, mirror: bool): void {
  if (r >= m) return;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (const end = a + bytes; a < end; a += ROW) {
    const four = v128.load(a), left = v128.load(b), right = v128.load(b, 16);
    const x0 = v128.shuffle<f32>(four, four, 0, 0, 0, 0);
    a0 = madd(x0, left, a0);
    b0 = madd(x0, right, b0);
    const x1 = v128.shuffle<f32>(four, four, 1, 1, 1, 1);
    a1 = madd(x1, left, a1);
    b1 = madd(x1, right, b1);
    const x2 = v128.shuffle<f32>(four, four, 2, 2, 2, 2);
    a2 = madd(x2, left, a2);
    b2 = madd(x2, right, b2);
    const x3 = v128.shuffle<f32>(four, four, 3, 3, 3, 3);
    a3 = madd(x3, left, a3);
    b3 = madd(x3, right, b3);
    b += ROW;
  }
  addSquare(sum, m, n, r, c, a0, a1, a2, a3, mirror);
  if (c + 4 < n) addSquare(sum, m, n, r, c + 4, b0, b1, b2, b3, mirror);
}

/**
 * sum[r + i, c …] += aᵢ. If `mirror`, also what mirrors it where it lies above the diagonal; a square on or below it keeps its own
 * values.
 */
@inline
function addSquare(sum: usize, m: i32, n: i32, r: i32, c: i32, a0: v128, a1: v128, a2: v128, a3: v128, mirror: bool): void {
  if (mirror && c < r) return;
  const stride = <usize> n << 2;
  const at = sum + <usize> r * stride + (<usize> c << 2);
  const rows = min(4, m - r), lanes = min(4, n - c);
  a0 = f32x4.add(v128.load(at), a0);
  // Rows that are not there are read from the padding behind the tensor or from another row, and not written.
  a1 = f32x4.add(v128.load(at + (rows > 1 ? stride : 0)), a1);
  a2 = f32x4.add(v128.load(at + (rows > 2 ? 2 * stride : 0)), a2);
  a3 = f32x4.add(v128.load(at + (rows > 3 ? 3 * stride : 0)), a3);
  storeSquare(at, stride, rows, lanes, a0, a1, a2, a3);
  if (!mirror || c == r) return;
  const low01 = v128.shuffle<f32>(a0, a1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(a0, a1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(a2, a3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(a2, a3, 2, 6, 3, 7);
  storeSquare(
    sum + <usize> c * stride + (<usize> r << 2),
    stride,
    lanes,
    rows,
    v128.shuffle<f64>(low01, low23, 0, 2),
    v128.shuffle<f64>(low01, low23, 1, 3),
    v128.shuffle<f64>(high01, high23, 0, 2),
    v128.shuffle<f64>(high01, high23, 1, 3),
  );
}

/** Writes the first `rows` of four vectors, the first n lanes of each. */
@inline
function storeSquare(
  at: usize,
  stride: usize,
  rows: i32,
  n: i32,
  a0: v128,
  a1: v128,
  a2: v128,
  a3: v128,
): void {
  storeLanes(at, n, a0);
  if (rows > 1) storeLanes(at + stride, n, a1);
  if (rows > 2) storeLanes(at + 2 * stride, n, a2);
  if (rows > 3) storeLanes(at + 3 * stride, n, a3);
}

@inline
function storeLanes(at: usize, n: i32, a: v128): void {
  if (n >= 4) {
    v128.store(at, a);
    return;
  }
  v128.store32_lane(at, a, 0);
  if (n > 1) v128.store32_lane(at, a, 1, 4);
  if (n > 2) v128.store32_lane(at, a, 2, 8);
}
