/**
 * Rotary position embedding.
 *
 * @module
 */
import { type Kernel, line, STEP, workgroupIndex } from "./kernel.ts";
import { ROTATED } from "./rotation.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/**
 * Rotary position embedding (Su et al. 2021, "RoFormer", equation 34), in place, on heads of `headDim` features laid side
 * by side: the pair (i, i + half) of token t turns by the angle (position + t) · frequencies[i], rounded to float32 as
 * every reference implementation has it, and grows by `magnitude`. Frequencies must not be negative. A head's features from
 * 2 · half on stay.
 *
 * Bindings: x [tokens, cols], frequencies [half], step. A thread a pair.
 */
export function rope(shape: { cols: number; half: number; headDim?: number; magnitude?: number }): Kernel {
  const { cols, half, headDim = 2 * half, magnitude = 1 } = shape;
  const pairs = cols / headDim * half;
  return {
    name: `rope ${cols} / ${half}`,
    workgroups: (tokens) => line(Math.ceil(tokens * pairs / THREADS)),
    code: `${STEP}
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> frequencies: array<f32>;
@group(0) @binding(2) var<uniform> step: Step;

${ROTATED}

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let pair = ${workgroupIndex} * ${THREADS}u + i;
  let token = pair / ${pairs}u;
  if (token >= step.tokens) { return; }
  let head = pair % ${pairs}u / ${half}u;
  let n = pair % ${half}u;
  let a = token * ${cols}u + head * ${headDim}u + n;
  let b = a + ${half}u;
  let turned = ${magnitude} * rotated(vec2f(x[a], x[b]), f32(step.position + token) * frequencies[n]);
  x[a] = turned.x;
  x[b] = turned.y;
}`,
  };
}
