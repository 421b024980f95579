/**
 * Products of activations with activations, or with weights that change at every step: what gradients are made of.
 */
import { madd } from "./simd";

/** Columns of a panel, two vectors, and bytes of its row: those of gram.ts. */
const PANEL: i32 = 8;
const ROW: usize = 32;

/** Rows of a panel: an even number. */
@inline
function rounded(k: i32): i32 {
  return k + 1 & ~1;
}

/**
 * Turns the first k columns of x, [rows, stride], for {@link product}, for panels [from, to): panels of 8 rows lie one behind
 * the other, each [k, 8] with zeros behind the last row and the last column. What `packPanels` is to xᵀ.
 */
export function packTurned(out: usize, x: usize, rows: i32, stride: i32, k: i32, from: i32, to: i32): void {
  const step = <usize> stride << 2;
  for (let p = from; p < to; p++) {
    const source = x + <usize> p * PANEL * step;
    const target = out + <usize> p * rounded(k) * ROW;
    const n = min(PANEL, rows - p * PANEL);
    if (n < PANEL || k & 1) memory.fill(target, 0, <usize> rounded(k) * ROW);
    let c = 0;
    if (n == PANEL) {
      for (; c + 4 <= k; c += 4) {
        const at = source + (<usize> c << 2);
        turnSquare(target + <usize> c * ROW, at, step);
        turnSquare(target + <usize> c * ROW + 16, at + 4 * step, step);
      }
    }
    for (; c < k; c++) {
      for (let r = 0; r < n; r++) {
        store<f32>(target + <usize> c * ROW + (<usize> r << 2), load<f32>(source + <usize> r * step + (<usize> c << 2)));
      }
    }
  }
}

/** Four rows of four values become columns, a panel's row apart. */
@inline
function turnSquare(out: usize, x: usize, step: usize): void {
  const a = v128.load(x), b = v128.load(x + step);
  const c = v128.load(x + 2 * step), d = v128.load(x + 3 * step);
  const low01 = v128.shuffle<f32>(a, b, 0, 4, 1, 5), high01 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(c, d, 0, 4, 1, 5), high23 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<f64>(low01, low23, 0, 2));
  v128.store(out + ROW, v128.shuffle<f64>(low01, low23, 1, 3));
  v128.store(out + 2 * ROW, v128.shuffle<f64>(high01, high23, 0, 2));
  v128.store(out + 3 * ROW, v128.shuffle<f64>(high01, high23, 1, 3));
}

/**
 * sum[i, j] += Σ a[k, i] · b[k, j], [m, n] float32, for the panels [from, to) of its rows. An element is one thread's, and a sum
 * in the order of k.
 *
 * @param a panels of m columns, of k rows each; b likewise of n columns.
 */
export function product(sum: usize, a: usize, b: usize, k: i32, m: i32, n: i32, from: i32, to: i32): void {
  const bytes = <usize> rounded(k) * ROW;
  // A panel of b stays in the first-level cache while it meets all of this thread's panels of a.
  for (let q = 0; q * PANEL < n; q++) {
    const right = b + <usize> q * bytes;
    for (let p = from; p < to; p++) {
      const left = a + <usize> p * bytes;
      addTile(sum, left, right, bytes, m, n, p * PANEL, q * PANEL);
      addTile(sum, left + 16, right, bytes, m, n, p * PANEL + 4, q * PANEL);
    }
  }
}

/** sum[r + i, c + j] += Σ a[k, i] · b[k, j], four rows by eight columns. */
function addTile(sum: usize, a: usize, b: usize, bytes: usize, m: i32, n: i32, r: i32, c: i32): void {
  if (r >= m) return;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (const end = a + bytes; a < end; a += 2 * ROW) {
    let left = v128.load(b), right = v128.load(b, 16);
    let v = v128.load32_splat(a);
    a0 = madd(v, left, a0);
    b0 = madd(v, right, b0);
    v = v128.load32_splat(a, 4);
    a1 = madd(v, left, a1);
    b1 = madd(v, right, b1);
    v = v128.load32_splat(a, 8);
    a2 = madd(v, left, a2);
    b2 = madd(v, right, b2);
    v = v128.load32_splat(a, 12);
    a3 = madd(v, left, a3);
    b3 = madd(v, right, b3);
    left = v128.load(b, ROW);
    right = v128.load(b, ROW + 16);
    v = v128.load32_splat(a, ROW);
    a0 = madd(v, left, a0);
    b0 = madd(v, right, b0);
    v = v128.load32_splat(a, ROW + 4);
    a1 = madd(v, left, a1);
    b1 = madd(v, right, b1);
    v = v128.load32_splat(a, ROW + 8);
    a2 = madd(v, left, a2);
    b2 = madd(v, right, b2);
    v = v128.load32_splat(a, ROW + 12);
    a3 = madd(v, left, a3);
    b3 = madd(v, right, b3);
    b += 2 * ROW;
  }
  const stride = <usize> n << 2;
  let at = sum + <usize> r * stride + (<usize> c << 2);
  const rows = m - r, lanes = n - c;
  addRow(at, lanes, a0, b0);
  if (rows > 1) addRow(at += stride, lanes, a1, b1);
  if (rows > 2) addRow(at += stride, lanes, a2, b2);
  if (rows > 3) addRow(at += stride, lanes, a3, b3);
}

/** Adds the first lanes of two vectors to what is there. */
@inline
function addRow(at: usize, lanes: i32, left: v128, right: v128): void {
  addLanes(at, lanes, left);
  if (lanes > 4) addLanes(at + 16, lanes - 4, right);
}

@inline
function addLanes(at: usize, lanes: i32, a: v128): void {
  const all = f32x4.add(v128.load(at), a);
  if (lanes >= 4) {
    v128.store(at, all);
    return;
  }
  v128.store32_lane(at, all, 0);
  if (lanes > 1) v128.store32_lane(at, all, 1, 4);
  if (lanes > 2) v128.store32_lane(at, all, 2, 8);
}
