/**
 * A mixture of experts in plain TypeScript, for the kernels to agree with.
 *
 * @module
 */

/**
 * The experts of each token and their weights, each [tokens, k]: softmax over all, the k largest (the first of equals),
 * divided by their sum where `normalized`.
 */
export function route(
  logits: Float32Array,
  { experts, k, normalized = true }: { experts: number; k: number; normalized?: boolean },
): { chosen: Uint32Array; weights: Float32Array } {
  const [chosen, weights]: [number[], number[]] = [[], []];
  for (let at = 0; at < logits.length; at += experts) {
    const row = logits.subarray(at, at + experts);
    const largest = Math.max(...row);
    const powers = Array.from(row, (logit) => Math.exp(logit - largest));
    const best = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, k);
    const sum = (normalized ? best.map((e) => powers[e]!) : powers).reduce((a, b) => a + b);
    chosen.push(...best);
    weights.push(...best.map((e) => powers[e]! / sum));
  }
  return { chosen: Uint32Array.from(chosen), weights: Float32Array.from(weights) };
}
