/**
 * Shared parts of the kernels of dense weights: out[t, r] = Σ_c x[t, c] · w[r, c] + bias[r].
 *
 * Bindings: out f32 [tokens, outCols], x f32 [tokens, cols], weights, and bias f32 [outCols] where the shape has one.
 * Weights are [rows, cols] f32, or [rows, ⌈cols / 2⌉] words of two F16 or BF16 values, widened when they are loaded: a
 * BF16 value is the upper half of an f32. No device feature is needed.
 *
 * @module
 */
import type { LinearShape } from "./linear.ts";

/** A dense weight, or a part of its rows, as kernels see it. */
export interface DenseShape extends LinearShape {
  /** The stored type of values. */
  readonly dtype: "F32" | "F16" | "BF16";
}

/** WGSL of the two values in a word. */
const WIDEN = {
  F16: (word: string) => `unpack2x16float(${word})`,
  BF16: (word: string) => `bitcast<vec2f>(vec2u(${word} << 16u, ${word} & 0xffff0000u))`,
};

/** Values that a load brings: 16 bytes of them where rows start on a multiple of 16 bytes. */
function wide({ cols, dtype }: DenseShape): boolean {
  return cols % (dtype === "F32" ? 4 : 8) === 0;
}

/** WGSL type of the binding `weights`. */
export function weightsType(shape: DenseShape): string {
  if (shape.dtype === "F32") return wide(shape) ? "array<vec4f>" : "array<f32>";
  return wide(shape) ? "array<vec4u>" : "array<u32>";
}

/**
 * WGSL of `load8(row, c)`: the weights in columns c … c + 7, c a multiple of 8 and not beyond the last column; what
 * is beyond it is 0.
 */
export function weights(shape: DenseShape): string {
  const { cols, dtype } = shape;
  const struct = "struct Eight { a: vec4f, b: vec4f }\n";
  const head = "fn load8(row: u32, c: u32) -> Eight {";
  if (dtype === "F32" && wide(shape)) {
    const end = cols % 8 === 0 ? "weights[at + 1u]" : `select(vec4f(), weights[at + 1u], c + 4u < ${cols}u)`;
    return `${struct}${head} let at = row * ${cols / 4}u + c / 4u; return Eight(weights[at], ${end}); }`;
  }
  if (dtype === "F32") {
    const value = (i: number) => `select(0.0, weights[at + ${i}u], c + ${i}u < ${cols}u)`;
    const four = (from: number) => `vec4f(${[0, 1, 2, 3].map((i) => value(from + i)).join(", ")})`;
    return `${struct}${head} let at = row * ${cols}u + c; return Eight(${four(0)}, ${four(4)}); }`;
  }
  const widen = WIDEN[dtype];
  const words = Math.ceil(cols / 2);
  const load = wide(shape)
    ? `let words = weights[row * ${words / 4}u + c / 8u];`
    : `let at = row * ${words}u + c / 2u;
  let words = vec4u(${
      [0, 1, 2, 3].map((i) => `select(0u, weights[at + ${i}u], c / 2u + ${i}u < ${words}u)`).join(", ")
    });`;
  return `${struct}${head}
  ${load}
  return Eight(vec4f(${widen("words.x")}, ${widen("words.y")}), vec4f(${widen("words.z")}, ${
    widen("words.w")
  }));
}`;
}
