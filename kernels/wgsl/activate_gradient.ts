/**
 * The way back through the functions between the products of an MLP.
 *
 * @module
 */
import { type ActivateShape, shareOf } from "./activate.ts";
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** WGSL of the derivative of what x is multiplied by, s. */
const SLOPES: Readonly<Record<ActivateShape["activation"], (type: string) => string>> = {
  silu: () => "s * (1.0 - s)",
  gelu_new: () => `s * (1.0 - s) * ${2 * Math.sqrt(2 / Math.PI)} * (1.0 + ${3 * 0.044715} * x * x)`,
  gelu: (type) => `exp(-min(0.5 * x * x, ${type}(80.0))) * ${1 / Math.sqrt(2 * Math.PI)}`,
  relu: (type) => `${type}(0.0)`,
};

/**
 * The gradients of f(x), or f(x) · up: dx += g · f′(x) · up, dup += g · f(x); with f(x) = x · s(x), f′ is s + x · s′.
 *
 * Bindings: dx [tokens, cols], dup [tokens, cols] where gated, x, up [tokens, cols] where gated, g [tokens, cols], step. A
 * thread a vector of four values.
 */
export function activateGradient(shape: ActivateShape): Kernel {
  const { cols, activation, gated } = shape;
  const { type, perRow } = vectors(cols);
  const names = gated ? ["dx", "dup", "x", "up", "g"] : ["dx", "x", "g"];
  return elementwise({
    name: `${activation}_gradient ${cols}${gated ? ", gated" : ""}`,
    types: Object.fromEntries(names.map((name) => [name, `array<${type}>`])),
    writes: gated ? 2 : 1,
    perToken: perRow,
    declare: `${shareOf(activation, type)}
fn slope(x: ${type}, s: ${type}) -> ${type} {
  return s + x * (${SLOPES[activation](type)});
}`,
    body: `let value = x[at];
  let s = share(value);
  dx[at] += g[at] * slope(value, s)${gated ? " * up[at];\n  dup[at] += g[at] * value * s" : ""};`,
  });
}
