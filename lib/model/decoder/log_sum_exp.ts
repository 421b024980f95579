/**
 * What makes probabilities of logits.
 *
 * @module
 */

/** ln Σ e^x over logits[from … from + n). */
export function logSumExp(logits: Float32Array, from: number, n: number): number {
  let largest = -Infinity;
  for (let i = from; i < from + n; i++) if (logits[i]! > largest) largest = logits[i]!;
  let sum = 0;
  for (let i = from; i < from + n; i++) sum += Math.exp(logits[i]! - largest);
  return largest + Math.log(sum);
}
