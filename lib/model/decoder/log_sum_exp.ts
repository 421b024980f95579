/**
 * What makes probabilities of logits.
 *
 * @module
 */
import type { LogitPlace, LogProbability } from "../../compute/backend.ts";
import { argmax } from "./sampling.ts";

/** ln Σ e^x over logits[from … from + n). */
export function logSumExp(logits: Float32Array, from: number, n: number): number {
  let largest = -Infinity;
  for (let i = from; i < from + n; i++) if (logits[i]! > largest) largest = logits[i]!;
  let sum = 0;
  for (let i = from; i < from + n; i++) sum += Math.exp(logits[i]! - largest);
  return largest + Math.log(sum);
}

/** What logits, [rows, vocab], say of ids in some places; those of one row stand side by side. */
export function logProbabilities(
  logits: Float32Array,
  { vocab, places }: { vocab: number; places: readonly LogitPlace[] },
): LogProbability[] {
  let [last, total, likeliest] = [-1, NaN, -1];
  return places.map(({ row, id }) => {
    const values = logits.subarray(row * vocab, (row + 1) * vocab);
    if (row !== last) [last, total, likeliest] = [row, logSumExp(values, 0, vocab), argmax(values)];
    return { logProbability: values[id]! - total, likeliest: likeliest === id };
  });
}
