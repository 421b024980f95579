/**
 * The residual connection.
 *
 * @module
 */
import { type Kernel, line, STEP, workgroupIndex } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/**
 * x += y, in place.
 *
 * Bindings: x [tokens, cols], y [tokens, cols], step. A thread a vector of four values.
 */
export function add(shape: { cols: number }): Kernel {
  const { cols } = shape;
  const { type, perRow } = vectors(cols);
  return {
    name: `add ${cols}`,
    workgroups: (tokens) => line(Math.ceil(tokens * perRow / THREADS)),
    code: `${STEP}
@group(0) @binding(0) var<storage, read_write> x: array<${type}>;
@group(0) @binding(1) var<storage, read> y: array<${type}>;
@group(0) @binding(2) var<uniform> step: Step;

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let at = ${workgroupIndex} * ${THREADS}u + i;
  if (at < step.tokens * ${perRow}u) { x[at] += y[at]; }
}`,
  };
}
