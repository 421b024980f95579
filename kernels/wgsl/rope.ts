/**
 * Rotary position embedding.
 *
 * @module
 */
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { ROTATED } from "./rotation.ts";

/**
 * Rotary position embedding (Su et al. 2021, "RoFormer", equation 34), in place, on heads of `headDim` features laid side
 * by side: the pair (i, i + half) of token t turns by the angle (position + t) · frequencies[i], rounded to float32 as
 * every reference implementation has it, and grows by `magnitude`. A head's features from 2 · half on stay.
 *
 * Bindings: x [tokens, cols], frequencies [half], step. A thread a pair.
 */
export function rope(shape: { cols: number; half: number; headDim?: number; magnitude?: number }): Kernel {
  const { cols, half, headDim = 2 * half, magnitude = 1 } = shape;
  const pairs = cols / headDim * half;
  return elementwise({
    name: `rope ${cols} / ${half}`,
    types: { x: "array<f32>", frequencies: "array<f32>" },
    perToken: pairs,
    declare: ROTATED,
    body: `let token = at / ${pairs}u;
  let head = at % ${pairs}u / ${half}u;
  let n = at % ${half}u;
  let a = token * ${cols}u + head * ${headDim}u + n;
  let b = a + ${half}u;
  let turned = ${magnitude} * rotated(vec2f(x[a], x[b]), f32(step.position + token) * frequencies[n]);
  x[a] = turned.x;
  x[b] = turned.y;`,
  });
}
