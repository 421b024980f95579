/**
 * The gradient of attention by its queries.
 *
 * @module
 */
import type { AttentionShape } from "./attention_decode.ts";
import { firstKey, opening, scores, shares } from "./attention_shares.ts";
import { AttentionTile, PLACES, THREADS, TILE } from "./attention_tile.ts";
import type { Kernel } from "./kernel.ts";

/**
 * dq += Σ d · k, with d the gradients by products of q and k (Dao 2023, "FlashAttention-2", algorithm 2).
 *
 * Bindings: dq [tokens, heads · headDim], stats from `attentionShares`, q, keys, values, g, step. A workgroup a head (x) and 32
 * queries (y), which goes through the keys that they see.
 */
export function attentionQueryGradient(shape: AttentionShape): Kernel {
  const { heads, kvHeads, headDim } = shape;
  const tile = new AttentionTile(shape);
  return {
    name: `attention_query_gradient ${heads} / ${kvHeads} × ${headDim}`,
    workgroups: (tokens) => [heads, Math.ceil(tokens / TILE), 1],
    code: `${opening(tile, { dq: tile.values })}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let head = wid.x;
  let queryAt = head * ${tile.head}u;
  let keyAt = head * ${kvHeads}u / ${heads}u * ${tile.head}u;
  let row0 = wid.y * ${TILE}u;
  let all = step.tokens;
  let end = min(all, row0 + ${TILE}u);
  ${PLACES}
${tile.eachSum((j, k) => `  var acc${j}_${k} = vec4f();`)}
  for (var base = ${firstKey(shape)}; base < end; base += ${TILE}u) {
${scores(tile, shape)}
${shares(shape)}
${tile.store((j) => [`d${j}.x`, `d${j}.y`])}
    workgroupBarrier();
${tile.accumulate("acc", "keyVector", "keys")}
    // The next tile's barriers come before anything of this one's is overwritten.
  }
${tile.write("dq", { of: "queries", make: (place, sum) => `${place} += acc${sum};` })}
}`,
  };
}
