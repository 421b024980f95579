/**
 * Logarithms of probabilities.
 *
 * @module
 */

/** A token and the logarithm of its probability. */
export interface Scored {
  readonly id: number;
  readonly logprob: number;
}

/** A token that was chosen or given, and the likeliest in its place. */
export interface TokenScore extends Scored {
  /** The likeliest first; of equals the lowest id. */
  readonly top: readonly Scored[];
}

/** ln Σ exp(logits). */
export function logSum(logits: Float32Array): number {
  let most = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > most) most = logits[i]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - most);
  return most + Math.log(sum);
}

/**
 * What the model thinks of a token: the logits' log-softmax, before temperature, biases and penalties.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * const { logprob, top } = scoreToken(Float32Array.of(1, 1, 0), { id: 2, top: 2 });
 * assertAlmostEquals(logprob, -Math.log(2 * Math.E + 1));
 * assertEquals(top.map(({ id }) => id), [0, 1]);
 * ```
 */
export function scoreToken(logits: Float32Array, { id, top }: { id: number; top: number }): TokenScore {
  const sum = logSum(logits);
  const best: number[] = [];
  // Few are wanted of many: each is put in its place among the best so far.
  for (let i = 0; i < logits.length && top > 0; i++) {
    if (best.length === top && logits[i]! <= logits[best[top - 1]!]!) continue;
    if (best.length === top) best.pop();
    let at = best.length;
    while (at > 0 && logits[best[at - 1]!]! < logits[i]!) at--;
    best.splice(at, 0, i);
  }
  const scored = (id: number) => ({ id, logprob: logits[id]! - sum });
  return { ...scored(id), top: best.map(scored) };
}

/**
 * Σ p · ln(p / q) in nats, of the distributions of two models' logits.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(divergence(Float32Array.of(1, 2), Float32Array.of(1, 2)), 0);
 * ```
 */
export function divergence(p: Float32Array, q: Float32Array): number {
  const [sumP, sumQ] = [logSum(p), logSum(q)];
  let total = 0;
  for (let i = 0; i < p.length; i++) {
    const log = p[i]! - sumP;
    total += Math.exp(log) * (log - (q[i]! - sumQ));
  }
  // What rounding leaves below 0 is none.
  return Math.max(0, total);
}
