/**
 * The gated activation of a Llama's MLP.
 *
 * @module
 */
import { type Kernel, line, STEP, workgroupIndex } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/**
 * out = gate · σ(gate) · up, with σ(x) = 1 / (1 + e^−x) (Shazeer 2020, "GLU Variants Improve Transformer", equation 6).
 *
 * With e = e^−|x|, which cannot overflow, σ(x) is 1 / (1 + e) for positive x and e / (1 + e) for negative x: WGSL leaves
 * open what becomes of an infinite e^−x.
 *
 * Bindings: out [tokens, cols], gate [tokens, cols], up [tokens, cols], step. A thread a vector of four values.
 */
export function swiglu(shape: { cols: number }): Kernel {
  const { cols } = shape;
  const { type, perRow } = vectors(cols);
  return {
    name: `swiglu ${cols}`,
    workgroups: (tokens) => line(Math.ceil(tokens * perRow / THREADS)),
    code: `${STEP}
@group(0) @binding(0) var<storage, read_write> out: array<${type}>;
@group(0) @binding(1) var<storage, read> gate: array<${type}>;
@group(0) @binding(2) var<storage, read> up: array<${type}>;
@group(0) @binding(3) var<uniform> step: Step;

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let at = ${workgroupIndex} * ${THREADS}u + i;
  if (at < step.tokens * ${perRow}u) {
    let g = gate[at];
    let e = exp(-abs(g));
    out[at] = g * select(e, ${type}(1.0), g >= ${type}(0.0)) / (1.0 + e) * up[at];
  }
}`,
  };
}
