/**
 * The divergence of predictions from others.
 *
 * @module
 */
import { logSumExp } from "./log_sum_exp.ts";

/**
 * Σ KL(expected ‖ found) over tokens, in nats.
 *
 * @param expected [tokens, vocab] logits.
 * @param found as many.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * const [expected, found] = [Float32Array.of(0, Math.log(3)), Float32Array.of(0, 0)];
 * assertAlmostEquals(divergence(expected, found, 2), 0.25 * Math.log(0.5) + 0.75 * Math.log(1.5), 1e-6);
 * ```
 */
export function divergence(expected: Float32Array, found: Float32Array, vocab: number): number {
  let kl = 0;
  for (let from = 0; from < expected.length; from += vocab) {
    const [p, q] = [logSumExp(expected, from, vocab), logSumExp(found, from, vocab)];
    kl += tokenDivergence({ logits: expected, logSum: p }, { logits: found, logSum: q }, { from, vocab });
  }
  // Rounding may leave a divergence of 0 a hair below it.
  return Math.max(kl, 0);
}

/**
 * KL(expected ‖ found) of one token, in nats; rounding may leave 0 a hair below it.
 *
 * @param expected logits of several tokens, and {@linkcode logSumExp} of this one's.
 * @param found as many.
 * @param token where its logits begin, and how many there are.
 */
export function tokenDivergence(
  expected: { logits: Float32Array; logSum: number },
  found: { logits: Float32Array; logSum: number },
  { from, vocab }: { from: number; vocab: number },
): number {
  let kl = 0;
  for (let i = from; i < from + vocab; i++) {
    const log = expected.logits[i]! - expected.logSum;
    kl += Math.exp(log) * (log - (found.logits[i]! - found.logSum));
  }
  return kl;
}
