/**
 * dᵀ H d of rows d, for a symmetric H: the squared errors of a linear's outputs.
 */
import { multiplyFour, PANEL, ROW } from "./panels";

/** Columns whose part of H stays in the second-level cache while it meets a thread's rows. */
const COLS: i32 = 256;

/**
 * out[r, group] += the part of dᵀ H d that the columns [start, stop) of a group from `first` on have with all columns up to them,
 * f64 [rows, groups]. Since H is symmetric, products with columns before count twice. A row's sum is in the same order whatever is
 * computed beside it.
 *
 * @param d panels of 8 rows, each [cols, 8].
 * @param room 128 bytes for each panel of d.
 * @param h panels of 8 of the columns [first, stop), each [stop − start, 8]; start − first is a multiple of 8.
 */
export function squaredErrors(
  out: usize, d: usize, room: usize, h: usize, cols: i32, first: i32, start: i32, stop: i32, groups: i32, group: i32,
  from: i32, to: i32,
): void {
  const bytes = <usize> (stop - start) * ROW;
  for (let some = first; some < stop; some += COLS) {
    const end = min(some + COLS, stop);
    for (let p = from; p < to; p++) {
      const panel = d + <usize> p * cols * ROW;
      const right = panel + <usize> start * ROW;
      const sums = out + (<usize> (p * PANEL * groups + group) << 3);
      const products = room + ((<usize> p) << 7);
      for (let i = some; i < end; i += 4) {
        // A panel has its first four columns at the beginning of each row, and the others behind.
        const square = i - first & ~(PANEL - 1);
        const left = h + <usize> (square >> 3) * bytes + (<usize> (i - first & 4) << 2);
        const own = panel + <usize> i * ROW;
        const lanes = min(4, stop - i);
        // Columns of the panel itself, which H has on its diagonal, meet one another once from each side.
        const before = max(0, square + first - start);
        const after = square + first < start ? 0 : min(before + PANEL, stop - start);
        const at = <usize> after * ROW;
        multiplyFour(products, ROW, left + at, left + bytes, right + at, ROW, false);
        addProducts(sums, groups, products, own, lanes, 2);
        if (after == 0) continue;
        const skip = <usize> before * ROW;
        multiplyFour(products, ROW, left + skip, left + at, right + skip, ROW, false);
        addProducts(sums, groups, products, own, lanes, 1);
      }
    }
  }
}

/** sums[r] += factor · Σ products[i, r] · d[i, r] for eight rows. */
@inline
function addProducts(sums: usize, groups: i32, products: usize, d: usize, n: i32, factor: f64): void {
  for (let r: usize = 0; r < ROW; r += 4) {
    let sum: f64 = 0;
    for (let i = 0; i < n; i++) {
      const at = r + <usize> i * ROW;
      sum += <f64> load<f32>(products + at) * <f64> load<f32>(d + at);
    }
    const to = sums + (r << 1) * groups;
    store<f64>(to, load<f64>(to) + factor * sum);
  }
}
