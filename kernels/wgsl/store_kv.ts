/**
 * The way of keys and values into the cache.
 *
 * @module
 */
import { type Kernel, line, STEP, workgroupIndex } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/**
 * keys[position + t] = k[t] and values[position + t] = v[t]. A copy of buffers would do the same, but it ends the compute
 * pass that the other kernels of a token share.
 *
 * Bindings: keys [capacity, cols], values [capacity, cols], k [tokens, cols], v [tokens, cols], step. A thread a vector
 * of four values.
 */
export function storeKv(shape: { cols: number }): Kernel {
  const { cols } = shape;
  const { type, perRow } = vectors(cols);
  return {
    name: `store_kv ${cols}`,
    workgroups: (tokens) => line(Math.ceil(tokens * perRow / THREADS)),
    code: `${STEP}
@group(0) @binding(0) var<storage, read_write> keys: array<${type}>;
@group(0) @binding(1) var<storage, read_write> values: array<${type}>;
@group(0) @binding(2) var<storage, read> k: array<${type}>;
@group(0) @binding(3) var<storage, read> v: array<${type}>;
@group(0) @binding(4) var<uniform> step: Step;

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let source = ${workgroupIndex} * ${THREADS}u + i;
  if (source >= step.tokens * ${perRow}u) { return; }
  let place = step.position * ${perRow}u + source;
  keys[place] = k[source];
  values[place] = v[source];
}`,
  };
}
