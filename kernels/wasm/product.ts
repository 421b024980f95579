/**
 * Products of activations with activations, or with weights that change at every step: what gradients are made of.
 */
import { addTile, PANEL, ROW } from "./panels";
import { storeTurned } from "./simd";

/**
 * Turns the first k columns of x, [rows, stride], for {@link product}, for panels [from, to): panels of 8 rows lie one behind
 * the other, each [k, 8] with zeros behind the last row. What `packPanels` is to xᵀ.
 */
export function packTurned(out: usize, x: usize, rows: i32, stride: i32, k: i32, from: i32, to: i32): void {
  const step = <usize> stride << 2;
  for (let p = from; p < to; p++) {
    const source = x + <usize> p * PANEL * step;
    const target = out + <usize> p * k * ROW;
    const n = min(PANEL, rows - p * PANEL);
    if (n < PANEL) memory.fill(target, 0, <usize> k * ROW);
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
  storeTurned(out, ROW, v128.load(x), v128.load(x + step), v128.load(x + 2 * step), v128.load(x + 3 * step));
}

/**
 * sum[i, j] += Σ a[k, i] · b[k, j], [m, n] float32, for the panels [from, to) of its rows. An element is one thread's, and a sum
 * in the order of k.
 *
 * @param a panels of m columns, of k rows each; b likewise of n columns.
 */
export function product(sum: usize, a: usize, b: usize, k: i32, m: i32, n: i32, from: i32, to: i32): void {
  const bytes = <usize> k * ROW;
  // A panel of b stays in the first-level cache while it meets all of this thread's panels of a.
  for (let q = 0; q * PANEL < n; q++) {
    const right = b + <usize> q * bytes;
    for (let p = from; p < to; p++) {
      const left = a + <usize> p * bytes;
      addTile(sum, left, right, bytes, m, n, p * PANEL, q * PANEL, false);
      addTile(sum, left + 16, right, bytes, m, n, p * PANEL + 4, q * PANEL, false);
    }
  }
}
