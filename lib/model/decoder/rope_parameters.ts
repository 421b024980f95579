/**
 * Parameters of rotary position embeddings.
 *
 * @module
 */
/** The scaling of frequencies for contexts longer than the original. */
export type RopeScaling =
  | { readonly rope_type: "default" }
  /** All frequencies are divided. */
  | { readonly rope_type: "linear"; readonly factor: number }
  /** The base grows with the length of what goes beyond the original context. */
  | {
    readonly rope_type: "dynamic";
    readonly factor: number;
    readonly original_max_position_embeddings: number;
  }
  /** Low frequencies are divided, those between smoothly less. */
  | {
    readonly rope_type: "llama3";
    readonly factor: number;
    /** Pairs that turn fewer times over the original context are low. */
    readonly low_freq_factor: number;
    /** Pairs that turn more times over the original context are kept. */
    readonly high_freq_factor: number;
    readonly original_max_position_embeddings: number;
  }
  /** The same with a ramp over pairs, and scores that grow. */
  | {
    readonly rope_type: "yarn";
    readonly factor: number;
    /** Turns over the original context from which on pairs are kept. */
    readonly beta_fast: number;
    /** Turns over the original context up to which pairs are divided. */
    readonly beta_slow: number;
    /** Whether the ramp begins and ends at whole pairs. */
    readonly truncate: boolean;
    readonly original_max_position_embeddings: number;
    /** The factor of cosines and sines. */
    readonly attention_factor: number;
  }
  /** Each pair has its own divisor, another one beyond the original context. */
  | {
    readonly rope_type: "longrope";
    readonly short_factor: readonly number[];
    readonly long_factor: readonly number[];
    readonly original_max_position_embeddings: number;
    /** The factor of cosines and sines. */
    readonly attention_factor: number;
  };

/** The rotation of heads. */
export type RopeParameters = RopeScaling & {
  /** Base of the frequencies. */
  readonly rope_theta: number;
  /** Features of a head that turn, the first ones; even. */
  readonly rotary_dim: number;
};
