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
  /** Pairs of a head that turn; all when absent. */
  readonly half?: number;
  /** What cosines and sines are multiplied by; 1 when absent. */
  readonly magnitude?: number;
}

/**
 * `rope` of the queries, in place; `rope` of the keys, on their way into the cache; and `storeKv` of the values: what
 * takes three kernels otherwise, of which each has little to do and waits for the one before. k stays as it is.
 *
 * Bindings: q [tokens, heads · headDim], keys [capacity, kvHeads · headDim], values [capacity, kvHeads · headDim],
 * k [tokens, kvHeads · headDim], v [tokens, kvHeads · headDim], frequencies [half], step. A thread a pair of
 * features of q, k or v: of neighbours `half` apart, or of two that stay.
 */
export function ropeStore(shape: RopeStoreShape): Kernel {
  const { heads, kvHeads, headDim, half: turning = headDim / 2, magnitude = 1 } = shape;
  const half = headDim / 2;
  const partial = turning < half;
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
  let pairOfHead = pair % ${half}u;
  ${
      partial
        ? `let isTurned = pairOfHead < ${turning}u;
  let n = select(pairOfHead + ${turning}u, pairOfHead, isTurned);
  let apart = select(${half - turning}u, ${turning}u, isTurned);`
        : `let n = pairOfHead;
  let apart = ${half}u;`
    }
  let position = step.position + token;
  let angle = f32(position) * frequencies[${partial ? `min(pairOfHead, ${turning - 1}u)` : "n"}];
  if (head < ${heads}u) {
    ${partial ? "if (!isTurned) { return; }" : ""}
    let a = (token * ${heads}u + head) * ${headDim}u + n;
    let b = a + apart;
    let turned = ${magnitude} * rotated(vec2f(q[a], q[b]), angle);
    q[a] = turned.x;
    q[b] = turned.y;
    return;
  }
  let kvHead = (head - ${heads}u) % ${kvHeads}u;
  let a = (token * ${kvHeads}u + kvHead) * ${headDim}u + n;
  let b = a + apart;
  let storedA = (position * ${kvHeads}u + kvHead) * ${headDim}u + n;
  let storedB = storedA + apart;
  if (head < ${heads + kvHeads}u${partial ? " && isTurned" : ""}) {
    let turned = ${magnitude} * rotated(vec2f(k[a], k[b]), angle);
    keys[storedA] = turned.x;
    keys[storedB] = turned.y;
  } else ${
      partial
        ? `if (head < ${heads + kvHeads}u) {
    keys[storedA] = k[a];
    keys[storedB] = k[b];
  } else `
        : ""
    }{
    values[storedA] = v[a];
    values[storedB] = v[b];
  }
}`,
  };
}
