/**
 * The largest logits of each token, so that only they have to leave the device.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type Kernel, unrolled } from "./kernel.ts";

/** Invocations of a workgroup. */
const THREADS = 256;

/** Candidates that a workgroup sorts: 16 KiB of workgroup memory, which every device has. */
const SORTED = 2048;

/** Candidates of which a workgroup finds the best one. */
const SEARCHED = 4096;

/** What is looked for. */
export interface TopKShape {
  /** Logits of a token. */
  readonly vocab: number;
  /** How many are wanted: 1 … 256, and at most `vocab`. */
  readonly k: number;
}

/** A round of the tournament. */
export interface TopKPass {
  /** Its kernel. */
  readonly kernel: Kernel;
  /** Words (u32) that it writes a token, for the next pass to read; 0 for the last pass. */
  readonly scratch: number;
}

/**
 * The `k` largest logits of each token and their ids, the largest first, and of equals the one with the smallest id, as
 * `argmax` has it.
 *
 * A tournament: in each pass every workgroup takes a block of candidates and keeps its `k` best, until one block is left.
 * For k = 1 it searches them, otherwise it sorts them (Batcher 1968, "Sorting networks and their applications": a bitonic
 * sort). Candidates are compared as whole numbers: a logit's bits, turned so that larger logits are larger numbers, then
 * the id. What becomes of NaN is left open.
 *
 * Bindings of the last pass: ids [tokens, k] (u32), values [tokens, k], source; of those before: best, source.
 * The source of the first is logits [tokens, vocab], that of the others what the pass before wrote as best, `scratch`
 * words a token. A workgroup a block (x) of a token (y).
 */
export function topK(shape: TopKShape): TopKPass[] {
  const { vocab, k } = shape;
  const size = k === 1 ? SEARCHED : SORTED;
  const passes: TopKPass[] = [];
  for (let count = vocab, last = false; !last;) {
    const blocks = Math.ceil(count / size);
    last = blocks === 1;
    const kernel = pass({ k, count, blocks, size, first: passes.length === 0, last });
    passes.push({ kernel, scratch: last ? 0 : 2 * blocks * k });
    count = blocks * k;
  }
  return passes;
}

function pass(
  { k, count, blocks, size, first, last }: {
    k: number;
    count: number;
    blocks: number;
    size: number;
    first: boolean;
    last: boolean;
  },
): Kernel {
  const at = `token * ${count}u + n`;
  const source = first ? `vec2u(ordered(source[${at}]), n)` : `source[${at}]`;
  const write = (n: string, candidate: string) =>
    last
      ? `ids[token * ${k}u + ${n}] = ${candidate}.y;
    values[token * ${k}u + ${n}] = logit(${candidate}.x);`
      : `best[(token * ${blocks}u + wid.x) * ${k}u + ${n}] = ${candidate};`;
  const types = {
    ...(last ? { ids: "array<u32>", values: "array<f32>" } : { best: "array<vec2u>" }),
    source: first ? "array<f32>" : "array<vec2u>",
  };
  return {
    name: `top_k ${k} of ${count}`,
    workgroups: (tokens) => [blocks, tokens, 1],
    code: `${bindings(types, { writes: last ? 2 : 1 })}
var<workgroup> candidates: array<vec2u, ${k === 1 ? THREADS : SORTED}>; // (ordered logit, id)

// Whole numbers in the order of the logits. −0 is 0.
fn ordered(logit: f32) -> u32 {
  let bits = bitcast<u32>(logit);
  if (bits >= 0x80000000u) { return select(~bits, 0x80000000u, bits == 0x80000000u); }
  return bits | 0x80000000u;
}

fn logit(number: u32) -> f32 {
  return bitcast<f32>(select(~number, number & 0x7fffffffu, number >= 0x80000000u));
}

fn better(a: vec2u, b: vec2u) -> bool {
  return a.x > b.x || (a.x == b.x && a.y < b.y);
}

// What is behind the end loses against everything.
fn candidate(token: u32, n: u32) -> vec2u {
  if (n >= ${count}u) { return vec2u(0u, 0xffffffffu); }
  return ${source};
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let token = wid.y;
  let start = wid.x * ${size}u;
${
      k === 1
        ? `  var mine = candidate(token, start + i);
  for (var n = i + ${THREADS}u; n < ${size}u; n += ${THREADS}u) {
    let other = candidate(token, start + n);
    if (better(other, mine)) { mine = other; }
  }
  candidates[i] = mine;
${
          unrolled(Math.log2(THREADS), (step) => {
            const n = THREADS >> (step + 1);
            return `  workgroupBarrier();
  if (i < ${n}u && better(candidates[i + ${n}u], candidates[i])) { candidates[i] = candidates[i + ${n}u]; }`;
          })
        }
  if (i == 0u) {
    ${write("0u", "candidates[0]")}
  }`
        : `  for (var n = i; n < ${size}u; n += ${THREADS}u) { candidates[n] = candidate(token, start + n); }
  for (var run = 2u; run <= ${size}u; run *= 2u) {
    for (var apart = run / 2u; apart > 0u; apart /= 2u) {
      workgroupBarrier();
      for (var pair = i; pair < ${size / 2}u; pair += ${THREADS}u) {
        let low = 2u * pair - (pair & (apart - 1u));
        let a = candidates[low];
        let b = candidates[low + apart];
        // Every second run is sorted the other way round, so that two of them make one that rises and falls.
        if (better(b, a) == ((low & run) == 0u)) {
          candidates[low] = b;
          candidates[low + apart] = a;
        }
      }
    }
  }
  workgroupBarrier();
  if (i < ${k}u) {
    ${write("i", "candidates[i]")}
  }`
    }
}`,
  };
}
