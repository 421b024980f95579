/**
 * The way back through softcap.
 *
 * @module
 */
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/**
 * g *= 1 − (y / cap)², in place, for y = cap · tanh(x / cap).
 *
 * Bindings: g [tokens, cols], y [tokens, cols], step. A thread a vector of four values.
 */
export function softcapGradient({ cols, cap }: { cols: number; cap: number }): Kernel {
  const { type, perRow } = vectors(cols);
  return elementwise({
    name: `softcap_gradient ${cap} ${cols}`,
    types: { g: `array<${type}>`, y: `array<${type}>` },
    perToken: perRow,
    body: `let part = y[at] * ${1 / cap};
  g[at] *= 1.0 - part * part;`,
  });
}
