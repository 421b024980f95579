/**
 * The experts of each token.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import type { Kernel } from "./kernel.ts";

/** Invocations of a workgroup. */
const THREADS = 64;

/** A mixture of experts. */
export interface RouterShape {
  /** Experts. */
  readonly experts: number;
  /** Experts that each token goes to. */
  readonly k: number;
  /** Whether a token's weights add up to 1, as Mixtral's; otherwise they are their experts' shares of all. */
  readonly normalized?: boolean;
}

/**
 * The `k` experts with the largest logits of each token, the largest first and of equals the first, and their weights:
 * the softmax over all experts' logits, divided by its sum over the chosen ones where `normalized` (the default), which is
 * the softmax over the logits of the chosen ones (Jiang et al. 2024, "Mixtral of Experts", section 2.1).
 *
 * Bindings: chosen [tokens, k] (u32), weights [tokens, k], logits [tokens, experts], step. A thread a token.
 */
export function expertRouter(shape: RouterShape): Kernel {
  const { experts, k, normalized = true } = shape;
  return {
    name: `expert_router ${k} of ${experts}`,
    workgroups: (tokens) => [Math.ceil(tokens / THREADS), 1, 1],
    code: `${
      bindings({ chosen: "array<u32>", weights: "array<f32>", logits: "array<f32>", step: "Step" }, {
        writes: 2,
      })
    }

@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let token = id.x;
  if (token >= step.tokens) { return; }
  var largest = 0.0;
  var sum = 0.0;
  // The expert found last: the next comes after it, in order of logit, then of number.
  var last = 0.0;
  var lastExpert = 0u;
  for (var n = 0u; n < ${k}u; n++) {
    var best = 0.0;
    var bestExpert = ${experts}u;
    for (var e = 0u; e < ${experts}u; e++) {
      let logit = logits[token * ${experts}u + e];
      let left = n == 0u || logit < last || (logit == last && e > lastExpert);
      if (left && (bestExpert == ${experts}u || logit > best)) {
        best = logit;
        bestExpert = e;
      }
    }
    last = best;
    lastExpert = bestExpert;
    largest = select(largest, best, n == 0u);
    let weight = exp(best - largest);
    ${normalized ? "sum += weight;" : ""}
    chosen[token * ${k}u + n] = bestExpert;
    weights[token * ${k}u + n] = weight;
  }
  ${
      normalized
        ? ""
        : `for (var e = 0u; e < ${experts}u; e++) { sum += exp(logits[token * ${experts}u + e] - largest); }`
    }
  for (var n = 0u; n < ${k}u; n++) { weights[token * ${k}u + n] /= sum; }
}`,
  };
}
