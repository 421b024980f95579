/**
 * The gradients of attention by its queries, keys and values (Dao 2023, "FlashAttention-2", algorithm 2), in three kernels: what
 * both need of every query, then that by queries, and those by keys and values.
 *
 * @module
 */
import { type AttentionShape, scoreOf } from "./attention_decode.ts";
import { ACROSS, AttentionTile, EACH, MEMORY, PLACES, STRIDE, THREADS, TILE } from "./attention_tile.ts";
import { bindings } from "./bindings.ts";
import { type Kernel, unrolled } from "./kernel.ts";

/** WGSL at module scope: bindings, of which the first are `written`, workgroup memory, and the readers of heads. */
function opening(tile: AttentionTile, written: Readonly<Record<string, string>>): string {
  const { values } = tile;
  const read = { stats: "array<vec4f>", q: values, keys: values, values, g: values, step: "Step" };
  return `${bindings({ ...written, ...read }, { writes: Object.keys(written).length })}
${MEMORY}

${tile.reader("queryVector", "q")}

${tile.reader("keyVector", "keys")}

${tile.reader("valueVector", "values")}

${tile.reader("gradientVector", "g")}`;
}

/**
 * WGSL of a thread's scores, `s0` … `s3`, whether a query does not see a key, `no0` … `no3`, and the gradients by shares,
 * `found0` … `found3`: products of values and the gradient by the output.
 */
function scores(tile: AttentionTile, shape: AttentionShape): string {
  const { window } = shape;
  const tooOld = (t: string) => window ? ` | (key + vec2u(${window}u) <= ${t})` : "";
  return `${tile.products("score", ["queryVector", "keyVector"])}
${tile.products("found", ["gradientVector", "valueVector"])}
    let key = base + across + vec2u(0u, ${ACROSS}u);
${
    unrolled(EACH, (j) =>
      `    let t${j} = vec2u(row0 + down + ${j}u);
    let s${j} = vec2f(${scoreOf(`score${j}.x`, shape)}, ${scoreOf(`score${j}.y`, shape)});
    let no${j} = (key > t${j}) | (t${j} >= vec2u(all))${tooOld(`t${j}`)};`)
  }`;
}

/**
 * WGSL of a thread's shares, `p0` … `p3`, and the gradients by products of queries and keys, `d0` … `d3`: scale · p · (found −
 * Σ p · found), with `softcap` times 1 − (score / softcap)².
 */
function shares({ headDim, scale = 1 / Math.sqrt(headDim), softcap }: AttentionShape): string {
  return unrolled(EACH, (j) => {
    const bend = softcap ? ` * (1.0 - s${j} * s${j} * ${1 / softcap ** 2})` : "";
    return `    let stat${j} = stats[head * all + min(row0 + down + ${j}u, all - 1u)];
    let p${j} = select(exp(s${j} - stat${j}.x) * stat${j}.y, vec2f(), no${j});
    let d${j} = p${j} * (found${j} - stat${j}.z) * ${scale}${bend};`;
  });
}

/** WGSL of the first key that queries from row0 on see. */
function firstKey({ window }: AttentionShape): string {
  return window ? `select(0u, row0 + 1u - ${window}u, row0 + 1u > ${window}u)` : "0u";
}

/**
 * Of each query of a causal attention from position 0 on: its largest score, 1 / Σ e^(score − largest), and Σ p · found, where
 * p are the shares, softmax(scores), and found the gradients by them, g · v.
 *
 * Bindings: stats [heads, tokens], q [tokens, heads · headDim], keys, values [tokens, kvHeads · headDim], g [tokens, heads ·
 * headDim], step. A workgroup a head (x) and 32 queries (y). Each thread adds up for keys of its own, and shrinks what it has
 * when a larger score comes; in the end the 16 of a query put together what they have.
 */
export function attentionShares(shape: AttentionShape): Kernel {
  const { heads, kvHeads, headDim } = shape;
  const tile = new AttentionTile(shape);
  const each = (make: (j: number) => string) => unrolled(EACH, make);
  /** WGSL of `reduce` for what the 16 threads of each query have put side by side. */
  const reduced = (reduce: (j: number, value: string) => string) =>
    `  for (var n = 0u; n < ${ACROSS}u; n++) {
${each((j) => `    ${reduce(j, `weights[(down + ${j}u) * ${STRIDE}u + n`)}`)}
  }`;
  return {
    name: `attention_shares ${heads} / ${kvHeads} × ${headDim}`,
    workgroups: (tokens) => [heads, Math.ceil(tokens / TILE), 1],
    code: `${opening(tile, { stats: "array<vec4f>" })}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let queryAt = wid.x * ${tile.head}u;
  let keyAt = wid.x * ${kvHeads}u / ${heads}u * ${tile.head}u;
  let row0 = wid.y * ${TILE}u;
  let all = step.tokens;
  let end = min(all, row0 + ${TILE}u);
  ${PLACES}
${each((j) => `  var top${j} = -3.4e38;\n  var sum${j} = vec2f();`)}
  for (var base = ${firstKey(shape)}; base < end; base += ${TILE}u) {
${scores(tile, shape)}
${
      each((j) =>
        `    {
      let shown = select(s${j}, vec2f(-3.4e38), no${j});
      let most = max(top${j}, max(shown.x, shown.y));
      let powers = select(exp(s${j} - most), vec2f(), no${j});
      sum${j} = sum${j} * exp(top${j} - most) + vec2f(powers.x + powers.y, dot(powers, found${j}));
      top${j} = most;
    }`
      )
    }
  }

${each((j) => `  weights[(down + ${j}u) * ${STRIDE}u + across] = top${j};`)}
  workgroupBarrier();
${each((j) => `  var most${j} = top${j};`)}
${reduced((j, value) => `most${j} = max(most${j}, ${value}]);`)}
  workgroupBarrier();
${each((j) => `  sum${j} *= exp(top${j} - most${j});`)}
${tile.store((j) => [`sum${j}.x`, `sum${j}.y`])}
  workgroupBarrier();
  if (across > 0u) { return; }
${each((j) => `  sum${j} = vec2f();`)}
${reduced((j, value) => `sum${j} += vec2f(${value}], ${value} + ${ACROSS}u]);`)}
${
      each((j) =>
        `  if (row0 + down + ${j}u < all) {
    stats[wid.x * all + row0 + down + ${j}u] = vec4f(most${j}, 1.0 / sum${j}.x, sum${j}.y / sum${j}.x, 0.0);
  }`
      )
    }
}`,
  };
}

/**
 * dq += Σ d · k, with d the gradients by products of q and k.
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
${tile.accumulate("acc", { of: "keys", reader: "keyVector" })}
    // The next tile's barriers come before anything of this one's is overwritten.
  }
${tile.write("dq", { of: "queries", make: (place, sum) => `${place} += acc${sum};` })}
}`,
  };
}

/**
 * dk += Σ d · q and dv += Σ p · g over the queries of all heads that share a key, with p their shares and d the gradients by
 * products of q and k.
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
${tile.accumulate("byValue", { of: "queries", reader: "gradientVector" })}
    }
    workgroupBarrier();
${tile.store((j) => [`d${j}.x`, `d${j}.y`])}
    workgroupBarrier();
${tile.accumulate("byKey", { of: "queries", reader: "queryVector" })}
    // The next tile's barriers come before anything of this one's is overwritten.
    }
  }
${tile.write("dk", { of: "keys", make: (place, sum) => `${place} += byKey${sum};` })}
${tile.write("dv", { of: "keys", make: (place, sum) => `${place} += byValue${sum};` })}
}`,
  };
}
