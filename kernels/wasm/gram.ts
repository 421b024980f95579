/**
 * Sums of outer products, for the Hessians of linears.
 */
import { addTile, PANEL, ROW } from "./panels";

/**
 * sum += xᵀ x, [cols, cols] float32, for the panels [from, to) of its rows; what lies below the diagonal is written as the
 * mirror of what lies above, so every element is one thread's, and a sum over tokens in their order.
 *
 * @param x from {@link packPanels}.
 */
export function gram(sum: usize, x: usize, tokens: i32, cols: i32, from: i32, to: i32): void {
  const bytes = <usize> tokens * ROW;
  for (let p = from; p < to; p++) {
    const a = x + <usize> p * bytes;
    for (let q = p; q * PANEL < cols; q++) {
      const b = x + <usize> q * bytes;
      addTile(sum, a, b, bytes, cols, cols, p * PANEL, q * PANEL, true);
      addTile(sum, a + 16, b, bytes, cols, cols, p * PANEL + 4, q * PANEL, true);
    }
  }
}
