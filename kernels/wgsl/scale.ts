/**
 * In-place operations on single values, and the way back through softcap.
 *
 * @module
 */
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/**
 * WGSL of cap · tanh(x / cap) for a scalar or vector x of a type, as cap · (1 − 2 / (1 + e^(2x / cap))): tanh itself may err
 * by 2⁻¹¹. The power is cut off where it changes nothing any more, before it could overflow.
 */
export function softcapped(x: string, { cap, type }: { cap: number; type: string }): string {
  return `${cap} * (1.0 - 2.0 / (1.0 + exp(min(${x} * ${2 / cap}, ${type}(40.0)))))`;
}

/**
 * x = by · x, or x = cap · tanh(x / cap), in place.
 *
 * Bindings: x [tokens, cols], step. A thread a vector of four values.
 */
export function scale(shape: { cols: number } & ({ by: number } | { cap: number })): Kernel {
  const { cols } = shape;
  const { type, perRow } = vectors(cols);
  const [name, value] = "by" in shape
    ? [`scale ${shape.by}`, `${type}(${shape.by}) * x[at]`]
    : [`softcap ${shape.cap}`, softcapped("x[at]", { cap: shape.cap, type })];
  return elementwise({
    name: `${name} ${cols}`,
    types: { x: `array<${type}>` },
    perToken: perRow,
    body: `x[at] = ${value};`,
  });
}

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
