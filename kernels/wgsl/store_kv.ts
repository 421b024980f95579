/**
 * The way of keys and values into the cache.
 *
 * @module
 */
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/**
 * keys[position + t] = k[t] and values[position + t] = v[t]. A copy of buffers would do the same, but it ends the compute
 * pass that the other kernels of a token share.
 *
 * Bindings: keys [capacity, cols], values [capacity, cols], k [tokens, cols], v [tokens, cols], step. A thread a vector
 * of four values.
 */
export function storeKv(shape: { cols: number }): Kernel {
  const { cols } = shape;
  const { type, perRow } = vectors(cols);
  const values = `array<${type}>`;
  return elementwise({
    name: `store_kv ${cols}`,
    types: { keys: values, values, k: values, v: values },
    writes: 2,
    perToken: perRow,
    body: `let place = step.position * ${perRow}u + at;
  keys[place] = k[at];
  values[place] = v[at];`,
  });
}
