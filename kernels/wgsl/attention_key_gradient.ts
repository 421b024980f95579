/**
 * The gradients of attention by its keys and values.
 *
 * @module
 */
import type { AttentionShape } from "./attention_decode.ts";
import { opening, scores, shares } from "./attention_shares.ts";
import { AttentionTile, PLACES, THREADS, TILE } from "./attention_tile.ts";
import type { Kernel } from "./kernel.ts";

/**
 * dk += Σ d · q and dv += Σ p · g over the queries of all heads that share a key, with p their shares and d the gradients by
 * products of q and k (Dao 2023, "FlashAttention-2", algorithm 2).
 *
 * Bindings: dk, dv [tokens, kvHeads · headDim], stats from `attentionShares`, q, keys, values, g, step. A workgroup a head of
 * keys (x) and 32 keys (y), which goes through the queries that see them.
 */
export function attentionKeyGradient(shape: AttentionShape): Kernel {
  const { heads, kvHeads, headDim, window } = shape;
  const tile = new AttentionTile(shape);
  const sums = (name: string) => tile.eachSum((j, k) => `  var ${name}${j}_${k} = vec4f();`);
  return {
    name: `attention_key_gradient ${heads} / ${kvHeads} × ${headDim}`,
    workgroups: (tokens) => [kvHeads, Math.ceil(tokens / TILE), 1],
    code: `${opening(tile, { dk: tile.values, dv: tile.values })}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let keyAt = wid.x * ${tile.head}u;
  let base = wid.y * ${TILE}u;
  let all = step.tokens;
  let end = ${window ? `min(all, base + ${TILE + window - 1}u)` : "all"};
  ${PLACES}
${sums("byKey")}
${sums("byValue")}
  for (var head = wid.x * ${heads / kvHeads}u; head < (wid.x + 1u) * ${heads / kvHeads}u; head++) {
    let queryAt = head * ${tile.head}u;
    for (var row0 = base; row0 < end; row0 += ${TILE}u) {
${scores(tile, shape)}
${shares(shape)}
${tile.store((j) => [`p${j}.x`, `p${j}.y`])}
    workgroupBarrier();
    {
${tile.accumulate("byValue", "gradientVector", "queries")}
    }
    workgroupBarrier();
${tile.store((j) => [`d${j}.x`, `d${j}.y`])}
    workgroupBarrier();
${tile.accumulate("byKey", "queryVector", "queries")}
    // The next tile's barriers come before anything of this one's is overwritten.
    }
  }
${tile.write("dk", { of: "keys", make: (place, sum) => `${place} += byKey${sum};` })}
${tile.write("dv", { of: "keys", make: (place, sum) => `${place} += byValue${sum};` })}
}`,
  };
}
