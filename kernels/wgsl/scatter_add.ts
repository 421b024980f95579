/**
 * The way back of what an expert found.
 *
 * @module
 */
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/**
 * out[rows[i]] += weights[i] · x[i], in place. No row may be named twice.
 *
 * Bindings: out [any, cols], x [tokens, cols], rows [tokens] (u32), weights [tokens], step. A thread a vector of four
 * values.
 */
export function scatterAdd(shape: { cols: number }): Kernel {
  const { cols } = shape;
  const { type, perRow } = vectors(cols);
  return elementwise({
    name: `scatter_add ${cols}`,
    types: { out: `array<${type}>`, x: `array<${type}>`, rows: "array<u32>", weights: "array<f32>" },
    perToken: perRow,
    body: `let row = at / ${perRow}u;
  out[rows[row] * ${perRow}u + at % ${perRow}u] += weights[row] * x[at];`,
  });
}
