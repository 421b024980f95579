/**
 * Attention of many tokens to many keys.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type AttentionShape, scoreOf } from "./attention_decode.ts";
import { type Kernel, unrolled } from "./kernel.ts";

/** Invocations of a workgroup: 8 rows of 16. */
const THREADS = 128;

/** Threads that share a query. */
const ACROSS = 16;

/** Queries of a thread. */
const EACH = 4;

/** Queries and keys of a tile. */
const TILE = 32;

/** Vectors of features that are in workgroup memory at a time. */
const CHUNK = 8;

/** From a row in workgroup memory to the next: not a power of two, so that rows start in different banks. */
const STRIDE = TILE + 1;

/** Keys whose values are asked for before the first is needed. */
const AHEAD = 4;

/** 0, 1, …, n − 1. */
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

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
  const fours = headDim % 4 === 0;
  const type = fours ? "vec4f" : "f32";
  const vectors = Math.ceil(headDim / 4);
  const queryRow = heads * headDim / (fours ? 4 : 1);
  const keyRow = kvHeads * headDim / (fours ? 4 : 1);
  /** WGSL of the d-th vector of a head whose values start at `at`; past the head's end it is 0. */
  const vector = (array: string) =>
    fours
      ? vectors % CHUNK === 0 ? `return ${array}[at + d];` : `if (d >= ${vectors}u) { return vec4f(); }
  return ${array}[at + d];`
      : `var v = vec4f();
  ${
        upTo(4).map((j) =>
          `if (4u * d + ${j}u < ${headDim}u) { v.${"xyzw"[j]} = ${array}[at + 4u * d + ${j}u]; }`
        )
          .join("\n  ")
      }
  return v;`;
  const firstKey = window ? `select(0u, first + 1u - ${window}u, first + 1u > ${window}u)` : "0u";
  const hidden = window ? `s > t || s + ${window}u <= t` : "s > t";
  const columns = upTo(Math.ceil(vectors / ACROSS));
  const column = (k: number) => `across + ${k * ACROSS}u`;
  const inHead = (k: number) => (k + 1) * ACROSS <= vectors ? "" : `if (${column(k)} < ${vectors}u) `;
  const store = (j: number, k: number) =>
    fours
      ? `out[(row + ${j}u) * ${queryRow}u + queryAt + ${column(k)}] = acc${j}_${k} / sum;`
      : upTo(4).map((c) => {
        const d = `4u * (${column(k)}) + ${c}u`;
        const at = `(row + ${j}u) * ${queryRow}u + queryAt + ${d}`;
        return `if (${d} < ${headDim}u) { out[${at}] = acc${j}_${k}.${"xyzw"[c]} / sum; }`;
      }).join(" ");
  const values = `array<${type}>`;
  return {
    name: `attention_prefill ${heads} / ${kvHeads} × ${headDim}`,
    workgroups: (tokens) => [heads, Math.ceil(tokens / TILE), 1],
    code: `${bindings({ out: values, q: values, keys: values, values, step: "Step" })}
var<workgroup> queryPart: array<vec4f, ${CHUNK * STRIDE}>; // [CHUNK, TILE]
var<workgroup> keyPart: array<vec4f, ${CHUNK * STRIDE}>; // [CHUNK, TILE]
var<workgroup> weights: array<f32, ${TILE * STRIDE}>; // [TILE queries, TILE keys]
var<workgroup> found: array<f32, ${THREADS}>;
var<workgroup> shrinks: array<f32, ${TILE}>;

fn queryVector(at: u32, d: u32) -> vec4f {
  ${vector("q")}
}

fn keyVector(at: u32, d: u32) -> vec4f {
  ${vector("keys")}
}

fn valueVector(at: u32, d: u32) -> vec4f {
  ${vector("values")}
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let queryAt = wid.x * ${queryRow / heads}u;
  let keyAt = wid.x * ${kvHeads}u / ${heads}u * ${keyRow / kvHeads}u;
  let row0 = wid.y * ${TILE}u;
  let first = step.position + row0;
  let all = step.position + step.tokens;
  let end = min(all, first + ${TILE}u);
  let across = i % ${ACROSS}u;
  let down = i / ${ACROSS}u * ${EACH}u;
  // Of the query that this thread makes weights for, with 3 others.
  var largest = -3.4e38;
  var sum0 = 0.0;
${upTo(EACH).map((j) => columns.map((k) => `  var acc${j}_${k} = vec4f();`).join("\n")).join("\n")}

  for (var base = ${firstKey}; base < end; base += ${TILE}u) {
${unrolled(EACH, (j) => `    var score${j} = vec2f();`)}
    for (var chunk = 0u; chunk < ${vectors}u; chunk += ${CHUNK}u) {
      for (var n = i; n < ${TILE * CHUNK}u; n += ${THREADS}u) {
        let r = n / ${CHUNK}u;
        let d = n % ${CHUNK}u;
        let query = min(row0 + r, step.tokens - 1u);
        let key = min(base + r, all - 1u);
        queryPart[d * ${STRIDE}u + r] = queryVector(query * ${queryRow}u + queryAt, chunk + d);
        keyPart[d * ${STRIDE}u + r] = keyVector(key * ${keyRow}u + keyAt, chunk + d);
      }
      workgroupBarrier();
      for (var d = 0u; d < ${CHUNK * STRIDE}u; d += ${STRIDE}u) {
        let a = keyPart[d + across];
        let b = keyPart[d + across + ${ACROSS}u];
${
      unrolled(EACH, (j) =>
        `        let q${j} = queryPart[d + down + ${j}u];
        score${j} += vec2f(dot(q${j}, a), dot(q${j}, b));`)
    }
      }
      workgroupBarrier();
    }
${
      unrolled(EACH, (j) =>
        `    weights[(down + ${j}u) * ${STRIDE}u + across] = ${scoreOf(`score${j}.x`, shape)};
    weights[(down + ${j}u) * ${STRIDE}u + across + ${ACROSS}u] = ${scoreOf(`score${j}.y`, shape)};`)
    }
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

${
      unrolled(EACH, (j) =>
        `    let shrink${j} = shrinks[down + ${j}u];
${columns.map((k) => `    acc${j}_${k} *= shrink${j};`).join("\n")}`)
    }
${columns.map((k) => `    let column${k} = min(${column(k)}, ${vectors - 1}u);`).join("\n")}
    for (var n = 0u; n < ${TILE}u; n += ${AHEAD}u) {
${
      unrolled(AHEAD, (s) =>
        `      let at${s} = min(base + n + ${s}u, all - 1u) * ${keyRow}u + keyAt;
${columns.map((k) => `      let v${s}_${k} = valueVector(at${s}, column${k});`).join("\n")}`)
    }
${
      unrolled(EACH * AHEAD, (js) => {
        const [j, s] = [js % EACH, Math.floor(js / EACH)];
        return `      let w${j}_${s} = weights[(down + ${j}u) * ${STRIDE}u + n + ${s}u];
${columns.map((k) => `      acc${j}_${k} += w${j}_${s} * v${s}_${k};`).join("\n")}`;
      })
    }
    }
    // The next tile's first barrier, after the loads, comes before anything of this one's is overwritten.
  }

  workgroupBarrier();
  found[i] = sum0;
  workgroupBarrier();
  let row = row0 + down;
${
      unrolled(EACH, (j) =>
        `  if (row + ${j}u < step.tokens) {
    let at = 4u * (down + ${j}u);
    let sum = found[at] + found[at + 1u] + found[at + 2u] + found[at + 3u];
${columns.map((k) => `    ${inHead(k)}{ ${store(j, k)} }`).join("\n")}
  }`)
    }
}`,
  };
}
