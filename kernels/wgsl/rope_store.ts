/**
 * What happens between a layer's Linears and its attention, in one kernel.
 *
 * @module
 */
import { type Kernel, line, STEP, workgroupIndex } from "./kernel.ts";
import { ROTATED } from "./rotation.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/** The heads whose features turn. */
export interface RopeStoreShape {
  /** Query heads. */
  readonly heads: number;
  /** Heads of keys and values. */
  readonly kvHeads: number;
  /** Features of a head, an even number. */
  readonly headDim: number;
}

/**
 * `rope` of the queries, in place; `rope` of the keys, on their way into the cache; and `storeKv` of the values: what
 * takes three kernels otherwise, of which each has little to do and waits for the one before. k stays as it is.
 *
 * Bindings: q [tokens, heads · headDim], keys [capacity, kvHeads · headDim], values [capacity, kvHeads · headDim],
 * k [tokens, kvHeads · headDim], v [tokens, kvHeads · headDim], frequencies [headDim / 2], step. A thread a pair of
 * features of q, k or v.
 */
export function ropeStore(shape: RopeStoreShape): Kernel {
  const { heads, kvHeads, headDim } = shape;
  const half = headDim / 2;
  const all = heads + 2 * kvHeads;
  return {
    name: `rope_store ${heads} / ${kvHeads} × ${headDim}`,
    workgroups: (tokens) => line(Math.ceil(tokens * all * half / THREADS)),
    code: `${STEP}
@group(0) @binding(0) var<storage, read_write> q: array<f32>;
@group(0) @binding(1) var<storage, read_write> keys: array<f32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read> k: array<f32>;
@group(0) @binding(4) var<storage, read> v: array<f32>;
@group(0) @binding(5) var<storage, read> frequencies: array<f32>;
@group(0) @binding(6) var<uniform> step: Step;

${ROTATED}

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let pair = ${workgroupIndex} * ${THREADS}u + i;
  let token = pair / ${all * half}u;
  if (token >= step.tokens) { return; }
  // First the heads of q, then those of k, then those of v.
  let head = pair % ${all * half}u / ${half}u;
  let n = pair % ${half}u;
  let position = step.position + token;
  let angle = f32(position) * frequencies[n];
  if (head < ${heads}u) {
    let a = (token * ${heads}u + head) * ${headDim}u + n;
    let b = a + ${half}u;
    let turned = rotated(vec2f(q[a], q[b]), angle);
    q[a] = turned.x;
    q[b] = turned.y;
    return;
  }
  let kvHead = (head - ${heads}u) % ${kvHeads}u;
  let a = (token * ${kvHeads}u + kvHead) * ${headDim}u + n;
  let b = a + ${half}u;
  let storedA = (position * ${kvHeads}u + kvHead) * ${headDim}u + n;
  let storedB = storedA + ${half}u;
  if (head < ${heads + kvHeads}u) {
    let turned = rotated(vec2f(k[a], k[b]), angle);
    keys[storedA] = turned.x;
    keys[storedB] = turned.y;
  } else {
    values[storedA] = v[a];
    values[storedB] = v[b];
  }
}`,
  };
}
