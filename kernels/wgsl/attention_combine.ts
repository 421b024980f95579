/**
 * One attention out of its parts.
 *
 * @module
 */
import type { AttentionShape } from "./attention_decode.ts";
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";

/**
 * Joins what the `parts` workgroups of {@linkcode attentionDecode} found about their keys: their sums of values and of
 * weights, each shrunk by e^(its maximum − the largest maximum), added and divided.
 *
 * Bindings: out [tokens, heads · headDim], found [tokens, heads, parts, headDim + 2], step. A thread a feature.
 */
export function attentionCombine(shape: AttentionShape & { parts: number }): Kernel {
  const { heads, headDim, parts } = shape;
  const stride = headDim + 2;
  return elementwise({
    name: `attention_combine ${heads} × ${headDim} from ${parts}`,
    types: { out: "array<f32>", found: "array<f32>" },
    perToken: heads * headDim,
    body: `let first = at / ${headDim}u * ${parts * stride}u;
  let column = at % ${headDim}u;
  var largest = found[first + ${headDim}u];
  for (var p = 1u; p < ${parts}u; p++) { largest = max(largest, found[first + p * ${stride}u + ${headDim}u]); }
  var total = 0.0;
  var sum = 0.0;
  for (var p = 0u; p < ${parts}u; p++) {
    let part = first + p * ${stride}u;
    let shrink = exp(found[part + ${headDim}u] - largest);
    total += shrink * found[part + column];
    sum += shrink * found[part + ${headDim + 1}u];
  }
  out[at] = total / sum;`,
  });
}
