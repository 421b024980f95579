/**
 * E[x xᵀ] made ready for methods that round one column after another: ordered, damped, factored.
 *
 * @module
 */
import { OptionError } from "../errors.ts";

/** How a Hessian is factored. */
export interface FactorOptions {
  /** Take the columns of the largest E[x²] first, while later ones can still make up for their errors; true when absent. */
  actOrder?: boolean;
  /** The part of the diagonal's mean that is added to it; more where that is too little to factor it. 0.01 when absent. */
  damping?: number;
  /**
   * How much of what lies off the diagonal of E[x xᵀ] is left out: 0 believes all of it, 1 none. A short sample says little
   * about pairs of columns. 0 when absent, as in the papers, which calibrate with 262,144 tokens.
   */
  shrinkage?: number;
}

/**
 * Checks how a Hessian is to be factored.
 *
 * @throws {OptionError} when an option is out of range.
 */
export function checkFactorOptions({ damping = 0, shrinkage = 0 }: FactorOptions): void {
  if (!(damping >= 0 && damping < Infinity)) {
    throw new OptionError(`Cannot damp a Hessian: damping must be at least 0, current value is ${damping}`);
  }
  if (!(shrinkage >= 0 && shrinkage <= 1)) {
    throw new OptionError(
      `Cannot shrink a Hessian: shrinkage must be from 0 to 1, current value is ${shrinkage}`,
    );
  }
}

/** H = E[x xᵀ] plus damping, its columns in the order in which they are rounded, as Lᵀ L. */
export interface FactoredHessian {
  /** [cols] the column that is rounded first, second … */
  readonly order: Uint32Array;
  /** [cols, cols] L, lower triangular, its rows and columns in that order. */
  readonly lower: Float64Array;
  /** The part of the diagonal's mean that was added. */
  readonly damping: number;
}

/**
 * Orders, damps and factors E[x xᵀ]. A column that was always 0 gets the mean of the diagonal for its own: it affects no
 * other.
 *
 * @param gram [cols, cols] finite, with no negative eigenvalues but those of rounding.
 * @param options.steps who factors it.
 */
export function factorHessian(
  gram: Float32Array,
  options: FactorOptions & { steps: { factorize(a: Float64Array, n: number): boolean } },
): FactoredHessian {
  const cols = Math.sqrt(gram.length);
  const diagonal = Float64Array.from({ length: cols }, (_, c) => gram[c * cols + c]!);
  const mean = diagonal.reduce((sum, value) => sum + value, 0) / cols || 1;
  for (let c = 0; c < cols; c++) if (diagonal[c] === 0) diagonal[c] = mean;
  const order = Uint32Array.from({ length: cols }, (_, c) => c);
  if (options.actOrder ?? true) order.sort((a, b) => diagonal[b]! - diagonal[a]! || a - b);
  const believed = 1 - (options.shrinkage ?? 0);
  const lower = new Float64Array(cols * cols);
  for (let damping = options.damping ?? 0.01;; damping = Math.max(2 * damping, 0.01)) {
    for (let i = 0; i < cols; i++) {
      const from = order[i]! * cols;
      for (let j = 0; j < i; j++) lower[i * cols + j] = believed * gram[from + order[j]!]!;
      lower[i * cols + i] = diagonal[order[i]!]! + damping * mean;
    }
    if (options.steps.factorize(lower, cols)) return { order, lower, damping };
  }
}
