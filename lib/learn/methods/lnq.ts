/**
 * LNQ (Kim and others 2025, "GuidedQuant"): in turns, the table by least squares and the codes by coordinate descent, both on
 * the squared error of the output.
 *
 * @module
 */
import { OptionError } from "../../errors.ts";
import { checkFactorOptions } from "../hessian.ts";
import type { Method } from "./method.ts";

/** How long it goes on, and how far statistics are believed. */
export interface LnqOptions {
  /**
   * How much of what lies off the diagonal of H = E[x xᵀ] is left out: 0 believes all of it, 1 none; 0.5 when absent. A short
   * sample says little about pairs of columns: with several thousand tokens 0.5 was best of what was tried, with fewer tokens
   * than columns it can be worse than k-means on other text. Compare before use.
   */
  shrinkage?: number;
  /** Rounds of table and codes; 2 when absent. */
  rounds?: number;
  /** Sweeps over the columns in each at most; 4 when absent. */
  sweeps?: number;
}

/**
 * Makes the method. It starts from exact k-means, and no step makes the error larger; a fixed table, or one for the whole
 * matrix, stays what it is.
 *
 * @throws {OptionError} when an option is out of range.
 */
export function lnq(options: LnqOptions = {}): Method {
  const { shrinkage = 0.5, rounds = 2, sweeps = 4 } = options;
  checkFactorOptions({ shrinkage });
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
      const { bits, codebook: tables, type } = learning;
      const codebook = table ?? steps.learn(scaled, learning);
      const codes = steps.round(scaled, { codebook, bits });
      const refits = table === null && tables === "row";
      const hessian = shrunk(stats!.gram!, shrinkage);
      return steps.descend(scaled, { codebook, codes, bits }, { hessian, refits, type, rounds, sweeps });
    },
  };
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
