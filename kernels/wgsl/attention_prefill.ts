/**
 * Attention of many tokens to many keys.
 *
 * @module
 */
import { type AttentionShape, scoreOf } from "./attention_decode.ts";
import { AttentionTile, EACH, MEMORY, PLACES, STRIDE, THREADS, TILE } from "./attention_tile.ts";
import { bindings } from "./bindings.ts";
import { type Kernel, unrolled } from "./kernel.ts";

/**
 * Computes `attentionDecode` for many tokens at a time (Dao 2023, "FlashAttention-2", algorithm 1).
 *
 * Bindings: out, q [tokens, heads · headDim], keys [capacity, kvHeads · headDim], values [capacity, kvHeads · headDim],
 * step. A workgroup a head (x) and 32 tokens (y), against 32 keys at a time. A thread holds 4 queries × 2 keys of the
 * scores, whose factors pass through workgroup memory 32 features at a time; then 4 threads a query turn its scores into
 * weights; then a thread adds up values for its 4 queries and every 16th vector of features. All in 13 KiB of workgroup
 * memory, whatever the head's size. Rows past the last are read as the last: with weight 0, or not written.
 */
export function attentionPrefill(shape: AttentionShape): Kernel {
  const { heads, kvHeads, headDim, window } = shape;
  const tile = new AttentionTile(shape);
  const { values } = tile;
  const firstKey = window ? `select(0u, first + 1u - ${window}u, first + 1u > ${window}u)` : "0u";
  const hidden = window ? `s > t || s + ${window}u <= t` : "s > t";
  return {
    name: `attention_prefill ${heads} / ${kvHeads} × ${headDim}`,
    workgroups: (tokens) => [heads, Math.ceil(tokens / TILE), 1],
    code: `${bindings({ out: values, q: values, keys: values, values, step: "Step" })}
${MEMORY}
var<workgroup> found: array<f32, ${THREADS}>;
var<workgroup> shrinks: array<f32, ${TILE}>;

${tile.reader("queryVector", "q")}

${tile.reader("keyVector", "keys")}

${tile.reader("valueVector", "values")}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let queryAt = wid.x * ${tile.head}u;
  let keyAt = wid.x * ${kvHeads}u / ${heads}u * ${tile.head}u;
  let row0 = wid.y * ${TILE}u;
  let first = step.position + row0;
  let all = step.position + step.tokens;
  let end = min(all, first + ${TILE}u);
  ${PLACES}
  // Of the query that this thread makes weights for, with 3 others.
  var largest = -3.4e38;
  var sum0 = 0.0;
${tile.eachSum((j, k) => `  var acc${j}_${k} = vec4f();`)}

  for (var base = ${firstKey}; base < end; base += ${TILE}u) {
${tile.products("score", ["queryVector", "keyVector"])}
${tile.store((j) => [scoreOf(`score${j}.x`, shape), scoreOf(`score${j}.y`, shape)])}
    workgroupBarrier();

    let r = i / 4u;
    let t = first + r;
    var most = largest;
    for (var n = i % 4u; n < ${TILE}u; n += 4u) {
      let s = base + n;
      if (${hidden}) { continue; }
      most = max(most, weights[r * ${STRIDE}u + n]);
    }
    found[i] = most;
    workgroupBarrier();
    most = max(max(found[4u * r], found[4u * r + 1u]), max(found[4u * r + 2u], found[4u * r + 3u]));
    let shrink = exp(largest - most);
    largest = most;
    sum0 *= shrink;
    for (var n = i % 4u; n < ${TILE}u; n += 4u) {
      let s = base + n;
      let weight = select(exp(weights[r * ${STRIDE}u + n] - most), 0.0, ${hidden});
      weights[r * ${STRIDE}u + n] = weight;
      sum0 += weight;
    }
    if (i % 4u == 0u) { shrinks[r] = shrink; }
    workgroupBarrier();

${unrolled(EACH, (j) => `    let shrink${j} = shrinks[down + ${j}u];`)}
${tile.eachSum((j, k) => `    acc${j}_${k} *= shrink${j};`)}
${tile.accumulate("acc", { of: "keys", reader: "valueVector" })}
    // The next tile's first barrier, after the loads, comes before anything of this one's is overwritten.
  }

  workgroupBarrier();
  found[i] = sum0;
  workgroupBarrier();
${
      tile.write("out", {
        of: "queries",
        begin: (j) =>
          `let at = 4u * (down + ${j}u);
    let sum = found[at] + found[at + 1u] + found[at + 2u] + found[at + 3u];`,
        make: (place, sum) => `${place} = acc${sum} / sum;`,
      })
    }
}`,
  };
}
