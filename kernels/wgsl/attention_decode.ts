/**
 * Attention of few tokens to many keys.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type Kernel, unrolled } from "./kernel.ts";
import { softcapped } from "./scale.ts";
import { vectors } from "./vectors.ts";

/** The heads of an attention. */
export interface AttentionShape {
  /** Query heads. */
  readonly heads: number;
  /** Heads of keys and values; query head h uses ⌊h · kvHeads / heads⌋. */
  readonly kvHeads: number;
  /** Features of a head, at most 256. */
  readonly headDim: number;
  /** A token sees itself and the `window` − 1 before it; all before it when absent. */
  readonly window?: number;
  /** What products of queries and keys are multiplied by; 1 / √headDim when absent. */
  readonly scale?: number;
  /** Scores become softcap · tanh(score / softcap); they stay as they are when absent. */
  readonly softcap?: number;
}

/** WGSL of a score, from the product of a query and a key. */
export function scoreOf(product: string, { headDim, scale, softcap }: AttentionShape): string {
  const score = `(${product}) * ${scale ?? 1 / Math.sqrt(headDim)}`;
  return softcap ? softcapped(score, { cap: softcap, type: "f32" }) : score;
}

/** Keys of a tile. */
const TILE = 256;

/** Threads that share a key at most: so many vectors of a key lie side by side in memory. */
const LANES = 8;

/** Vectors that are asked for before the first is needed. */
const AHEAD = 8;

/**
 * out[t, h] = Σ softmax(scale · q[t, h] · K) · V over the keys that token t sees: causal, over a cache that holds the
 * keys and values of the tokens themselves too, `step.position + step.tokens` in all.
 *
 * Bindings: out, q [tokens, heads · headDim], keys [capacity, kvHeads · headDim], values [capacity, kvHeads · headDim],
 * step. A workgroup a head (x), a token (y) and a part of the keys (z). It goes through its keys in tiles: first 8 threads
 * share a key and multiply, each its vectors of the query, which it has in registers; then the products are added up and
 * become weights; then every thread adds up some keys' values for one vector of features. What was added up before
 * shrinks by e^(old maximum − new maximum) when a tile has a larger score (Milakov and Gimelshein 2018, "Online
 * normalizer calculation for softmax").
 *
 * With `parts` = 1 (the default), out is [tokens, heads · headDim]. With more, the keys are split among that many
 * workgroups, which is faster when keys are many and heads few; then out is [tokens, heads, parts, headDim + 2], each
 * with its sum of values, its maximum and its sum of e^(score − maximum), and {@linkcode attentionCombine} of
 * attention_combine.ts makes one of them ("Flash-Decoding", Dao et al. 2023).
 */
export function attentionDecode(shape: AttentionShape & { parts?: number }): Kernel {
  const { heads, kvHeads, headDim, window, parts = 1 } = shape;
  const { width, type, perRow } = vectors(headDim);
  const threads = perRow > 128 ? 256 : 128;
  // Threads of a group hold the vectors of one head; groups share the keys of a tile.
  const groups = Math.floor(threads / perRow);
  const lanes = Math.min(LANES, 2 ** Math.floor(Math.log2(perRow)));
  const terms = Math.ceil(perRow / lanes);
  const keysAhead = Math.min(2 ** Math.floor(Math.log2(Math.max(1, AHEAD / terms))), TILE * lanes / threads);
  // A lane's row of products: not a multiple of the 32 banks of workgroup memory.
  const row = TILE + 32 / LANES;
  const begin = window ? `select(0u, all - ${window}u, all > ${window}u)` : "0u";
  const dot = (a: string, b: string) => width === 4 ? `dot(${a}, ${b})` : `${a} * ${b}`;
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
  // The j-th vector of a lane. The last may be past the head's end: then it is 0, times the head's last.
  const queryVector = (j: number) => {
    const d = `lane + ${j * lanes}u`;
    return (j + 1) * lanes <= perRow
      ? `  let d${j} = ${d};
  let q${j} = q[queryAt + d${j}];`
      : `  let d${j} = min(${d}, ${perRow - 1}u);
  let q${j} = select(${type}(), q[queryAt + d${j}], ${d} < ${perRow}u);`;
  };
  // The k-th key of a lane, and its product with the query. Past the tile's end it is the last one again.
  const apart = threads / lanes;
  const keyVectors = (k: number) =>
    `      let key${k} = min(base + n + ${k * apart}u, to - 1u) * ${kvHeads * perRow}u + first;
${unrolled(terms, (j) => `      let k${k}_${j} = keys[key${k} + d${j}];`)}`;
  const product = (k: number) =>
    `      products[lane * ${row}u + n + ${k * apart}u] = ${
      upTo(terms).map((j) => dot(`q${j}`, `k${k}_${j}`)).join(" + ")
    };`;
  const score = upTo(lanes).map((l) => `products[${l * row}u + n]`).join(" + ");
  const value = (s: string) => `weights[${s} - base] * values[(${s}) * ${kvHeads * perRow}u + column]`;
  const spread = width === 4 ? ["x", "y", "z", "w"].map((c) => `total.${c}`) : ["total"];
  // The tree of one reduction over the threads, ending in sums[0].
  const tree = (join: (a: string, b: string) => string) =>
    unrolled(Math.log2(threads), (step) => {
      const n = threads >> (step + 1);
      return `  workgroupBarrier();
  if (i < ${n}u) { sums[i] = ${join("sums[i]", `sums[i + ${n}u]`)}; }`;
    }) + "\n  workgroupBarrier();";
  const result = parts === 1
    ? `out[(token * ${heads}u + head) * ${perRow}u + i] = total / sums[0];`
    : `let at = ((token * ${heads}u + head) * ${parts}u + wid.z) * ${headDim + 2}u;
    ${spread.map((part, j) => `out[at + i * ${width}u + ${j}u] = ${part};`).join(" ")}
    if (i == 0u) {
      out[at + ${headDim}u] = largest;
      out[at + ${headDim + 1}u] = sums[0];
    }`;
  const vectorsOf = `array<${type}>`;
  const out = parts === 1 ? vectorsOf : "array<f32>";
  return {
    name: `attention_decode ${heads} / ${kvHeads} × ${headDim}${parts > 1 ? ` in ${parts}` : ""}`,
    workgroups: (tokens) => [heads, tokens, parts],
    code: `${bindings({ out, q: vectorsOf, keys: vectorsOf, values: vectorsOf, step: "Step" })}
var<workgroup> products: array<f32, ${lanes * row}>; // [lanes, TILE]
var<workgroup> weights: array<f32, ${TILE}>;
var<workgroup> sums: array<f32, ${threads}>;
var<workgroup> added: array<${type}, ${threads}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let head = wid.x;
  let token = wid.y;
  let first = head * ${kvHeads}u / ${heads}u * ${perRow}u;
  let all = step.position + token + 1u;
  let begin = ${begin};
  let each = (all - begin + ${parts - 1}u) / ${parts}u;
  let start = begin + wid.z * each;
  let end = min(start + each, all);

  let lane = i % ${lanes}u;
  let queryAt = (token * ${heads}u + head) * ${perRow}u;
${unrolled(terms, queryVector)}
  let group = i / ${perRow}u;
  let column = first + i % ${perRow}u;
  var largest = -3.4e38;
  var sum = 0.0; // of this thread's weights
  var acc = ${type}();
  for (var base = start; base < end; base += ${TILE}u) {
    let to = min(base + ${TILE}u, end);
    for (var n = i / ${lanes}u; base + n < to; n += ${keysAhead * apart}u) {
${unrolled(keysAhead, keyVectors)}
${unrolled(keysAhead, product)}
    }
    workgroupBarrier();
    var most = largest;
    for (var n = i; base + n < to; n += ${threads}u) {
      let score = ${scoreOf(score, shape)};
      weights[n] = score;
      most = max(most, score);
    }
    sums[i] = most;
${tree((a, b) => `max(${a}, ${b})`)}
    most = sums[0];
    let shrink = exp(largest - most);
    largest = most;
    sum *= shrink;
    for (var n = i; base + n < to; n += ${threads}u) {
      let weight = exp(weights[n] - most);
      weights[n] = weight;
      sum += weight;
    }
    workgroupBarrier();
    if (group < ${groups}u) {
      acc *= shrink;
      var s = base + group;
      for (; s + ${(AHEAD - 1) * groups}u < to; s += ${AHEAD * groups}u) {
${unrolled(AHEAD, (j) => `        let v${j} = ${value(`s + ${j * groups}u`)};`)}
        acc += ${upTo(AHEAD).map((j) => `v${j}`).join(" + ")};
      }
      for (; s < to; s += ${groups}u) { acc += ${value("s")}; }
    }
    workgroupBarrier();
  }

  sums[i] = sum;
  added[i] = acc;
${tree((a, b) => `${a} + ${b}`)}
  if (i < ${perRow}u) {
    var total = added[i];
    for (var g = 1u; g < ${groups}u; g++) { total += added[g * ${perRow}u + i]; }
    ${result}
  }
}`,
  };
}
