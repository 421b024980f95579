/**
 * The tokens of each expert.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import type { Kernel } from "./kernel.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/** Words in which bindings start: 256 bytes. */
const ALIGNED = 64;

/** A mixture of experts, and room for its tokens. */
export interface ListsShape {
  /** Experts. */
  readonly experts: number;
  /** Experts that each token goes to. */
  readonly k: number;
  /** Tokens at most. */
  readonly capacity: number;
}

/** Words from one expert's list to the next expert's: `capacity`, rounded up to where a binding may start. */
export function listStride(capacity: number): number {
  return Math.ceil(capacity / ALIGNED) * ALIGNED;
}

/** Words from one expert's step to the next expert's. */
export const STEP_STRIDE: number = ALIGNED;

/**
 * For each expert the tokens that were routed to it, the weights that they gave it, and their number, so that experts run
 * one after another, each on just its tokens, and nobody but the device ever knows how many these are:
 *
 * 1. `embed` with an F32 table gathers the expert's rows of x: its ids are the list of tokens;
 * 2. the expert's Linears run on them as they do on any tokens;
 * 3. `scatterAdd` adds the results, weighted, to the rows where they belong.
 *
 * All three are started for as many tokens as there are, but their `Step` is the expert's of `steps`, with its number of
 * tokens: workgroups past it have nothing to do. A list is in no certain order, on which no result depends.
 *
 * Bindings: lists [experts, listStride(capacity)] (u32), weights, of the same shape, steps [experts, STEP_STRIDE] (u32,
 * two words used), chosen [tokens, k] (u32) and shares [tokens, k] as `expertRouter` writes them, step. A workgroup an
 * expert: every thread looks at every 128th token, and takes the next free place if it is one of the expert's.
 */
export function expertLists(shape: ListsShape): Kernel {
  const { experts, k, capacity } = shape;
  const stride = listStride(capacity);
  return {
    name: `expert_lists ${k} of ${experts}`,
    workgroups: () => [experts, 1, 1],
    code: `${
      bindings({
        lists: "array<u32>",
        weights: "array<f32>",
        steps: "array<u32>",
        chosen: "array<u32>",
        shares: "array<f32>",
        step: "Step",
      }, { writes: 3 })
    }
var<workgroup> count: atomic<u32>;

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let expert = wid.x;
  for (var n = i; n < step.tokens * ${k}u; n += ${THREADS}u) {
    if (chosen[n] == expert) {
      let place = expert * ${stride}u + atomicAdd(&count, 1u);
      lists[place] = n / ${k}u;
      weights[place] = shares[n];
    }
  }
  workgroupBarrier();
  if (i == 0u) {
    steps[expert * ${STEP_STRIDE}u] = atomicLoad(&count);
    steps[expert * ${STEP_STRIDE}u + 1u] = step.position;
  }
}`,
  };
}
