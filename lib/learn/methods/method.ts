/**
 * The interface of methods, which choose the codebooks and codes of a matrix with scaled groups.
 *
 * @module
 */
import type { ScaleType } from "../../matrix/packed_matrix.ts";
import type { InputStats } from "../input_stats.ts";
import type { LearnOptions, QuantizeSteps, ScaledMatrix } from "../quantize_steps.ts";
import type { Solution } from "../tables.ts";

export type { Solution };

/** The statistics of a Linear's input that a method needs: none, those of each column, or also E[x xᵀ]. */
export type Needs = "nothing" | "columns" | "gram";

/**
 * A method of quantization.
 *
 * A new method is one new file that exports a function of its options that makes one of these, and its line in
 * `lib/learn/methods/mod.ts`.
 */
export interface Method {
  /** Its name: "kmeans", "lloyd" … */
  readonly name: string;
  /** Its options, as JSON: methods of the same name and options give the same bits. */
  readonly options?: object;
  /** The statistics of the input that it needs at most. */
  readonly needs: Needs;
  /**
   * Chooses the codebooks that the format leaves open, and all codes.
   *
   * @param steps the slow steps, perhaps on threads; all implementations give identical bits.
   */
  solve(problem: Problem, steps: QuantizeSteps): Solution;
}

/** One matrix to be quantized: its groups are scaled, its codebooks and codes are sought. */
export interface Problem extends LearnOptions {
  /** The weights, and the scales and zeros of their groups. */
  readonly scaled: ScaledMatrix;
  /** [2^bits] the format's fixed codebook; null where codebooks are to be learned. */
  readonly table: Float32Array | null;
  /** The type that scales and zeros are rounded to. */
  readonly scaleType: ScaleType;
  /** Statistics of the input, with `gram` if the method needs it. */
  readonly stats?: InputStats;
  /** The tensor's name, for messages. */
  readonly name: string;
}
