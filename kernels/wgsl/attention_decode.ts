/**
 * Attention of few tokens to many keys.
 *
 * @module
 */
import { type Kernel, STEP, unrolled } from "./kernel.ts";
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
}

/** Keys whose scores a thread computes between two looks at what the others found. */
const KEYS_EACH = 4;

/** Rows of values that are asked for before the first is needed. */
const AHEAD = 4;

/**
 * out[t, h] = Σ softmax(q[t, h] · K / √headDim) · V over the keys that token t sees: causal, over a cache that holds the
 * keys and values of the tokens themselves too, `step.position + step.tokens` in all.
 *
 * Bindings: out, q [tokens, heads · headDim], keys [capacity, kvHeads · headDim], values [capacity, kvHeads · headDim],
 * step. A workgroup a head (x), a token (y) and a part of the keys (z). It goes through its keys in tiles: first every
 * thread computes the scores of some keys, then every thread adds up some keys' values for one vector of features. What
 * was added up shrinks by e^(old maximum − new maximum) when a tile has a larger score (Milakov and Gimelshein 2018,
 * "Online normalizer calculation for softmax").
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
  const tile = KEYS_EACH * threads;
  // Threads of a group hold the vectors of one head; groups share the keys of a tile.
  const groups = Math.floor(threads / perRow);
  const begin = window ? `select(0u, all - ${window}u, all > ${window}u)` : "0u";
  const dot = (a: string, b: string) => width === 4 ? `dot(${a}, ${b})` : `${a} * ${b}`;
  const spread = width === 4 ? ["x", "y", "z", "w"].map((c) => `total.${c}`) : ["total"];
  const value = (s: string) => `weights[${s} - base] * values[(${s}) * ${kvHeads * perRow}u + column]`;
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
  return {
    name: `attention_decode ${heads} / ${kvHeads} × ${headDim}${parts > 1 ? ` in ${parts}` : ""}`,
    workgroups: (tokens) => [heads, tokens, parts],
    code: `${STEP}
@group(0) @binding(0) var<storage, read_write> out: array<${parts === 1 ? type : "f32"}>;
@group(0) @binding(1) var<storage, read> q: array<${type}>;
@group(0) @binding(2) var<storage, read> keys: array<${type}>;
@group(0) @binding(3) var<storage, read> values: array<${type}>;
@group(0) @binding(4) var<uniform> step: Step;
var<workgroup> query: array<${type}, ${perRow}>;
var<workgroup> weights: array<f32, ${tile}>;
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

  if (i < ${perRow}u) { query[i] = q[(token * ${heads}u + head) * ${perRow}u + i]; }
  let group = i / ${perRow}u;
  let column = first + i % ${perRow}u;
  var largest = -3.4e38;
  var sum = 0.0; // of this thread's weights
  var acc = ${type}();
  workgroupBarrier();
  for (var base = start; base < end; base += ${tile}u) {
    let to = min(base + ${tile}u, end);
    var most = largest;
    for (var s = base + i; s < to; s += ${threads}u) {
      let key = s * ${kvHeads * perRow}u + first;
      var score = 0.0;
      for (var d = 0u; d < ${perRow}u; d++) { score += ${dot("query[d]", "keys[key + d]")}; }
      score *= ${1 / Math.sqrt(headDim)};
      weights[s - base] = score;
      most = max(most, score);
    }
    sums[i] = most;
${tree((a, b) => `max(${a}, ${b})`)}
    most = sums[0];
    let shrink = exp(largest - most);
    largest = most;
    sum *= shrink;
    for (var s = base + i; s < to; s += ${threads}u) {
      let weight = exp(weights[s - base] - most);
      weights[s - base] = weight;
      sum += weight;
    }
    workgroupBarrier();
    if (group < ${groups}u) {
      acc *= shrink;
      var s = base + group;
      for (; s + ${(AHEAD - 1) * groups}u < to; s += ${AHEAD * groups}u) {
${unrolled(AHEAD, (j) => `        let v${j} = ${value(`s + ${j * groups}u`)};`)}
        acc += ${Array.from({ length: AHEAD }, (_, j) => `v${j}`).join(" + ")};
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
