/**
 * What is done to single values in place.
 *
 * @module
 */
import { type Kernel, line, STEP, workgroupIndex } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

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
  return {
    name: `${name} ${cols}`,
    workgroups: (tokens) => line(Math.ceil(tokens * perRow / THREADS)),
    code: `${STEP}
@group(0) @binding(0) var<storage, read_write> x: array<${type}>;
@group(0) @binding(1) var<uniform> step: Step;

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let at = ${workgroupIndex} * ${THREADS}u + i;
  if (at < step.tokens * ${perRow}u) { x[at] = ${value}; }
}`,
  };
}
