/**
 * Rotary position embedding: how fast each pair of features turns.
 *
 * @module
 */
import type { LlamaConfig } from "./config.ts";

/**
 * Radians a token for each of the head_dim / 2 pairs: rope_theta^(−2i / head_dim), Llama 3's long context scaling
 * applied where the config has it (low frequencies divided by `factor`, a smooth step between).
 *
 * @returns [head_dim / 2], rounded to float32 as other implementations keep them.
 */
export function ropeFrequencies(config: LlamaConfig): Float32Array {
  const { head_dim, rope_theta, rope_scaling } = config;
  return Float32Array.from({ length: head_dim / 2 }, (_, i) => {
    const frequency = 1 / Math.fround(rope_theta ** (2 * i / head_dim));
    if (!rope_scaling) return frequency;
    const { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } = rope_scaling;
    // How many turns the pair makes over the original context.
    const turns = original_max_position_embeddings * frequency / (2 * Math.PI);
    const smooth = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor);
    const kept = Math.min(Math.max(smooth, 0), 1);
    return frequency * (kept + (1 - kept) / factor);
  });
}
