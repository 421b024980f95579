/**
 * Statistics of the vectors that a Linear multiplies: all that a method knows of a model but its weights.
 *
 * @module
 */

/** Statistics of a Linear's input x over the tokens of a sample. Linears that share an input share the object. */
export interface InputStats {
  /** Tokens seen. */
  tokens: number;
  /** [cols] E x. */
  mean: Float64Array;
  /** [cols] E|x|. */
  meanAbs: Float64Array;
  /** [cols] E[x²], the diagonal of `gram`. */
  meanSquare: Float64Array;
  /**
   * [cols, cols] E[x xᵀ], up to a factor the Hessian of the squared error of the Linear's output; absent unless it was asked
   * for. In float32: 256 MB at 8,192 columns, and its rounding is far below what a sample leaves open.
   */
  gram?: Float32Array;
}
