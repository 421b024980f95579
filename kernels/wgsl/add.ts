/**
 * The residual connection.
 *
 * @module
 */
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/**
 * x += y, in place.
 *
 * Bindings: x [tokens, cols], y [tokens, cols], step. A thread a vector of four values.
 */
export function add(shape: { cols: number }): Kernel {
  const { cols } = shape;
  const { type, perRow } = vectors(cols);
  return elementwise({
    name: `add ${cols}`,
    types: { x: `array<${type}>`, y: `array<${type}>` },
    perToken: perRow,
    body: "x[at] += y[at];",
  });
}
