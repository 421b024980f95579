/**
 * The way back of what an expert found.
 *
 * @module
 */
import { type Kernel, line, STEP, workgroupIndex } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/**
 * out[rows[i]] += weights[i] · x[i], in place. No row may be named twice.
 *
 * Bindings: out [any, cols], x [tokens, cols], rows [tokens] (u32), weights [tokens], step. A thread a vector of four
 * values.
 */
export function scatterAdd(shape: { cols: number }): Kernel {
  const { cols } = shape;
  const { type, perRow } = vectors(cols);
  return {
    name: `scatter_add ${cols}`,
    workgroups: (tokens) => line(Math.ceil(tokens * perRow / THREADS)),
    code: `${STEP}
@group(0) @binding(0) var<storage, read_write> out: array<${type}>;
@group(0) @binding(1) var<storage, read> x: array<${type}>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<uniform> step: Step;

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let at = ${workgroupIndex} * ${THREADS}u + i;
  let row = at / ${perRow}u;
  if (row >= step.tokens) { return; }
  out[rows[row] * ${perRow}u + at % ${perRow}u] += weights[row] * x[at];
}`,
  };
}
