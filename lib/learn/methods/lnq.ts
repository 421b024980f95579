/**
 * LNQ (Kim and others 2025, "GuidedQuant"): in turns, the table by least squares and the codes by coordinate descent, both on
 * the squared error of the output.
 *
 * @module
 */
import { OptionError } from "../../errors.ts";
import { checkFactorOptions } from "../hessian.ts";
import { descendShared } from "../shared_descent.ts";
import type { Method } from "./method.ts";

/** How long it goes on, and how far statistics are believed. */
export interface LnqOptions {
  /**
   * How much of what lies off the diagonal of H = E[x xᵀ] is left out: 0 believes all of it, 1 none. When absent,
   * {@linkcode shrinkageOf} the tokens that were seen: a short sample says little about pairs of columns.
   */
  shrinkage?: number;
  /** Change scales and zeros too; true when absent. */
  scales?: boolean;
  /** Rounds of table and codes; 2 when absent. */
  rounds?: number;
  /** Sweeps over the columns in each at most; 4 when absent. */
  sweeps?: number;
}

/**
 * Makes the method. It starts from exact k-means, and no step makes the error larger; a fixed table stays what it is.
 *
 * @throws {OptionError} when an option is out of range.
 */
export function lnq(options: LnqOptions = {}): Method {
  const { scales = true, rounds = 2, sweeps = 4 } = options;
  checkFactorOptions(options);
  for (const [name, value] of Object.entries({ rounds, sweeps })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new OptionError(
        `Cannot run lnq: ${name} must be a whole number of at least 1, current value is ${value}`,
      );
    }
  }
  return {
    name: "lnq",
    options,
    needs: "gram",
    solve({ scaled, table, stats, ...learning }, steps) {
      const { bits, tables, codebookRows, type, scaleType } = learning;
      const codebook = table ?? steps.learn(scaled, learning);
      const start = { codebook, codebookRows, bits };
      const codes = steps.round(scaled, start);
      const refits = table === null;
      const { shrinkage = shrinkageOf(stats!.tokens, scaled.matrix.cols) } = options;
      const hessian = shrunk(stats!.gram!, shrinkage);
      const how = { hessian, refits, type, rounds, sweeps, ...(scales && { scaleType }) };
      const shared = refits && (tables < scaled.matrix.rows || codebookRows);
      return shared
        ? descendShared(scaled, { ...start, codes }, { ...how, steps })
        : steps.descend(scaled, { ...start, codes }, how);
    },
  };
}

/**
 * The shrinkage for statistics of some tokens: 1 for none, 0.6 for four tokens a column, 0.2 for very many. Chosen on tinyworld
 * and stories260K, where it is near the best of 0.05 … 0.95 for 512, 2,048 and 8,192 tokens (bench/README.md).
 */
export function shrinkageOf(tokens: number, cols: number): number {
  return 0.2 + 0.8 / (1 + tokens / (4 * cols));
}

/** H_λ = (1 − λ) H + λ diag H + 10⁻³ · mean diag H · I. */
function shrunk(gram: Float32Array, shrinkage: number): Float32Array {
  const cols = Math.sqrt(gram.length);
  const hessian = gram.map((value) => (1 - shrinkage) * value);
  let mean = 0;
  for (let c = 0; c < cols; c++) mean += gram[c * cols + c]! / cols;
  for (let c = 0; c < cols; c++) hessian[c * cols + c] = gram[c * cols + c]! + 1e-3 * (mean || 1);
  return hessian;
}
