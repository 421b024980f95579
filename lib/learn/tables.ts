/**
 * Codebooks, and the codes that choose from them.
 *
 * @module
 */

/** Codebooks, [tables, 2^bits], and the bits of their codes. */
export interface Tables {
  /** [tables, 2^bits]. */
  readonly codebook: Float32Array;
  /** [rows] which codebook each row has; by their places when absent. */
  readonly codebookRows?: Uint8Array;
  /** Bits of a code. */
  readonly bits: number;
}

/** Codebooks and codes of a matrix, and its scales and zeros where they were changed. */
export interface Solution {
  /** [tables, 2^bits], rounded to its type where it was learned. */
  readonly codebook: Float32Array;
  /** [rows, ⌈cols / 32⌉ · bits] packed codes. */
  readonly codes: Uint32Array;
  /** [rows, groups], rounded to their type. */
  readonly scales?: Float32Array;
  /** [rows, groups]. */
  readonly zeros?: Float32Array | null;
}
