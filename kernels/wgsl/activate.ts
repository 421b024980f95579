/**
 * The functions between the products of an MLP, and the way back.
 *
 * @module
 */
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** A function, and whether it gates something. */
export interface ActivateShape {
  /** Features. */
  readonly cols: number;
  /** Which function, by Hugging Face's names. */
  readonly activation: "silu" | "gelu" | "gelu_new" | "relu";
  /** Whether the function's value is multiplied with `up`. */
  readonly gated: boolean;
}

/** Coefficients of the error function: Abramowitz and Stegun, 7.1.26. */
const ERF = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];

/**
 * WGSL of σ(u). With e = e^−|u|, which cannot overflow, it is 1 / (1 + e) for positive u and e / (1 + e) for negative u: WGSL
 * leaves open what becomes of an infinite e^−u.
 */
const sigmoid = (type: string, u: string) =>
  `let u = ${u};
  let e = exp(-abs(u));
  return select(e, ${type}(1.0), u >= ${type}(0.0)) / (1.0 + e);`;

/** WGSL of the body of what x is multiplied by. */
const SHARES: Readonly<Record<ActivateShape["activation"], (type: string) => string>> = {
  silu: (type) => sigmoid(type, "x"),
  // (1 + tanh u) / 2 is σ(2u).
  gelu_new: (type) => sigmoid(type, `${2 * Math.sqrt(2 / Math.PI)} * x * (1.0 + 0.044715 * x * x)`),
  gelu: (type) =>
    `let y = abs(x) * ${Math.SQRT1_2};
  let t = 1.0 / (1.0 + 0.3275911 * y);
  let tail = 0.5 * t * ${
      ERF.reduceRight((sum, c) => sum ? `(${c} + t * ${sum})` : `${c}`, "")
    } * exp(-min(y * y, ${type}(80.0)));
  return select(1.0 - tail, tail, x < ${type}(0.0));`,
  relu: (type) => `return select(${type}(0.0), ${type}(1.0), x > ${type}(0.0));`,
};

/** WGSL of the derivative of what x is multiplied by, s. */
const SLOPES: Readonly<Record<ActivateShape["activation"], (type: string) => string>> = {
  silu: () => "s * (1.0 - s)",
  gelu_new: () => `s * (1.0 - s) * ${2 * Math.sqrt(2 / Math.PI)} * (1.0 + ${3 * 0.044715} * x * x)`,
  gelu: (type) => `exp(-min(0.5 * x * x, ${type}(80.0))) * ${1 / Math.sqrt(2 * Math.PI)}`,
  relu: (type) => `${type}(0.0)`,
};

/** WGSL of the function `share(x)`, with f(x) = x · share(x), of a scalar or vector type. */
function shareOf(activation: ActivateShape["activation"], type: string): string {
  return `fn share(x: ${type}) -> ${type} {
  ${SHARES[activation](type)}
}`;
}

/**
 * out = f(x), or f(x) · up: silu is x · σ(x), gelu x · Φ(x), gelu_new its approximation by tanh, relu max(x, 0); gated they
 * are Shazeer's (2020, "GLU Variants Improve Transformer", equation 6).
 *
 * Bindings: out [tokens, cols], x [tokens, cols], up [tokens, cols] where gated, step. A thread a vector of four values.
 */
export function activate(shape: ActivateShape): Kernel {
  const { cols, activation, gated } = shape;
  const { type, perRow } = vectors(cols);
  const values = `array<${type}>`;
  return elementwise({
    name: `${activation} ${cols}${gated ? ", gated" : ""}`,
    types: { out: values, x: values, ...(gated ? { up: values } : {}) },
    perToken: perRow,
    declare: shareOf(activation, type),
    body: `out[at] = x[at] * share(x[at])${gated ? " * up[at]" : ""};`,
  });
}

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
