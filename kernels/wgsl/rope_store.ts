/**
 * The operations between a layer's Linears and its attention, in one kernel.
 *
 * @module
 */
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";
import { ROTATED } from "./rotation.ts";

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
  /** The factor of cosines and sines; 1 when absent. */
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
  const types = ["q", "keys", "values", "k", "v", "frequencies"].map((name) => [name, "array<f32>"]);
  return elementwise({
    name: `rope_store ${heads} / ${kvHeads} × ${headDim}`,
    types: Object.fromEntries(types),
    writes: 3,
    perToken: all * half,
    declare: ROTATED,
    body: `let token = at / ${all * half}u;
  // First the heads of q, then those of k, then those of v.
  let head = at % ${all * half}u / ${half}u;
  let pairOfHead = at % ${half}u;
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
  }`,
  });
}
