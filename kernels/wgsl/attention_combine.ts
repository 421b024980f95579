/**
 * One attention out of its parts.
 *
 * @module
 */
import type { AttentionShape } from "./attention_decode.ts";
import { type Kernel, line, STEP, workgroupIndex } from "./kernel.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/**
 * Joins what the `parts` workgroups of {@linkcode attentionDecode} found about their keys: their sums of values and of
 * weights, each shrunk by e^(its maximum − the largest maximum), added and divided.
 *
 * Bindings: out [tokens, heads · headDim], found [tokens, heads, parts, headDim + 2], step. A thread a feature.
 */
export function attentionCombine(shape: AttentionShape & { parts: number }): Kernel {
  const { heads, headDim, parts } = shape;
  const cols = heads * headDim;
  return {
    name: `attention_combine ${heads} × ${headDim} from ${parts}`,
    workgroups: (tokens) => line(Math.ceil(tokens * cols / THREADS)),
    code: `${STEP}
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<storage, read> found: array<f32>;
@group(0) @binding(2) var<uniform> step: Step;

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let at = ${workgroupIndex} * ${THREADS}u + i;
  if (at >= step.tokens * ${cols}u) { return; }
  let first = at / ${headDim}u * ${parts * (headDim + 2)}u;
  let column = at % ${headDim}u;
  var largest = found[first + ${headDim}u];
  for (var p = 1u; p < ${parts}u; p++) { largest = max(largest, found[first + p * ${
      headDim + 2
    }u + ${headDim}u]); }
  var total = 0.0;
  var sum = 0.0;
  for (var p = 0u; p < ${parts}u; p++) {
    let part = first + p * ${headDim + 2}u;
    let shrink = exp(found[part + ${headDim}u] - largest);
    total += shrink * found[part + column];
    sum += shrink * found[part + ${headDim + 1}u];
  }
  out[at] = total / sum;
}`,
  };
}
