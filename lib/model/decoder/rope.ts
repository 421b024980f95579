/**
 * Rotary position embedding: how fast each pair of features turns.
 *
 * @module
 */
import type { RopeParameters } from "./rope_parameters.ts";

/** The rotation of heads. */
export interface Rotation {
  /** [rotary_dim / 2] radians a token. */
  readonly frequencies: Float32Array;
  /** The factor of cosines and sines. */
  readonly magnitude: number;
}

/**
 * Radians a token for each pair: rope_theta^(−2i / rotary_dim), scaled as the config says: Llama 3's smooth step, linear,
 * dynamic (NTK-aware: the base grows), YaRN (Peng et al. 2023, section 3) or LongRoPE (Ding et al. 2024).
 *
 * @param length tokens of the sequence at most. Dynamic scaling and LongRoPE depend on it, where transformers takes the
 * length so far: a sequence turns in one way from its first token on.
 * @returns frequencies rounded to float32 as other implementations keep them.
 */
export function rotationOf(rope: RopeParameters, length: number): Rotation {
  const { rotary_dim, rope_theta } = rope;
  const each = (frequency: (period: number, i: number) => number, base = rope_theta) =>
    Float32Array.from(
      { length: rotary_dim / 2 },
      (_, i) => frequency(Math.fround(base ** (2 * i / rotary_dim)), i),
    );
  const plain = (period: number) => 1 / period;
  switch (rope.rope_type) {
    case "default":
      return { frequencies: each(plain), magnitude: 1 };
    case "linear":
      return { frequencies: each((period) => Math.fround(1 / period) / rope.factor), magnitude: 1 };
    case "dynamic": {
      const { factor, original_max_position_embeddings: original } = rope;
      const grown = factor * Math.max(length, original) / original - (factor - 1);
      const base = rope_theta * grown ** (rotary_dim / (rotary_dim - 2));
      return { frequencies: each(plain, base), magnitude: 1 };
    }
    case "llama3": {
      const { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } = rope;
      const frequencies = each((period) => {
        // The number of turns of the pair over the original context.
        const turns = original_max_position_embeddings / period / (2 * Math.PI);
        const smooth = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor);
        const kept = Math.min(Math.max(smooth, 0), 1);
        return (kept + (1 - kept) / factor) / period;
      });
      return { frequencies, magnitude: 1 };
    }
    case "yarn": {
      const { factor, beta_fast, beta_slow, truncate, original_max_position_embeddings } = rope;
      // The pair that makes so many turns over the original context.
      const pairOf = (turns: number) =>
        rotary_dim * Math.log(original_max_position_embeddings / (turns * 2 * Math.PI)) /
        (2 * Math.log(rope_theta));
      const [first, last] = [pairOf(beta_fast), pairOf(beta_slow)];
      const from = Math.max(truncate ? Math.floor(first) : first, 0);
      const to = Math.min(truncate ? Math.ceil(last) : last, rotary_dim - 1);
      const frequencies = each((period, i) => {
        const divided = Math.min(Math.max((i - from) / (to === from ? 0.001 : to - from), 0), 1);
        return divided / (factor * period) + (1 - divided) / period;
      });
      return { frequencies, magnitude: rope.attention_factor };
    }
    case "longrope": {
      const factors = length > rope.original_max_position_embeddings ? rope.long_factor : rope.short_factor;
      return {
        frequencies: each((period, i) => 1 / (factors[i]! * period)),
        magnitude: rope.attention_factor,
      };
    }
  }
}
