/**
 * Which tokens an expert gets.
 *
 * @module
 */

/** The tokens of an expert, and what each gives for its answer. */
export interface Share {
  /** Tokens, in order. */
  readonly rows: number[];
  /** Their weights for this expert. */
  readonly weights: number[];
}

/**
 * Sends each token to the `k` experts with the largest logits, of equals the first ones. Its weights are the softmax over
 * their logits where `normalized` (Jiang et al. 2024, "Mixtral of Experts", section 2.1), else over all experts' logits.
 *
 * @param logits [tokens, experts].
 * @returns the share of each expert.
 */
export function assignExperts(
  logits: Float32Array,
  options: { experts: number; k: number; normalized?: boolean },
): Share[] {
  const { experts, k, normalized = true } = options;
  const shares = Array.from({ length: experts }, (): Share => ({ rows: [], weights: [] }));
  for (let token = 0; token < logits.length / experts; token++) {
    const row = logits.subarray(token * experts, (token + 1) * experts);
    const chosen = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, k);
    const power = (expert: number) => Math.exp(row[expert]! - row[chosen[0]!]!);
    const counted = normalized ? chosen : [...row.keys()];
    const sum = counted.reduce((sum, expert) => sum + power(expert), 0);
    for (const expert of chosen) {
      shares[expert]!.rows.push(token);
      shares[expert]!.weights.push(power(expert) / sum);
    }
  }
  return shares;
}
