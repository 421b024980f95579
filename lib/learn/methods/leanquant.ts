/**
 * LeanQuant (Zhang and Shrivastava 2024): GPTQ with tables that serve first the columns whose errors nothing later makes up
 * for.
 *
 * @module
 */
import { OptionError } from "../../errors.ts";
import { checkFactorOptions, factorHessian, type FactorOptions } from "../hessian.ts";
import type { Method } from "./method.ts";

/** How tables are weighed. */
export interface LeanQuantOptions extends FactorOptions {
  /** Weights of the k-means are U_jj^(−power), U the upper Cholesky factor of H⁻¹; 4 when absent, as in the paper. */
  power?: number;
}

/**
 * Makes the method. A fixed table stays what it is, so that there it is GPTQ.
 *
 * @throws {OptionError} when an option is out of range.
 */
export function leanquant(options: LeanQuantOptions = {}): Method {
  const { power = 4 } = options;
  checkFactorOptions(options);
  if (!(power >= 0 && power < Infinity)) {
    throw new OptionError(`Cannot weigh tables: power must be at least 0, current value is ${power}`);
  }
  return {
    name: "leanquant",
    options,
    needs: "gram",
    solve({ scaled, table, stats, ...learning }, steps) {
      const { cols } = scaled.matrix;
      const hessian = factorHessian(stats!.gram!, { ...options, steps });
      const columnWeights = new Float64Array(cols);
      // U is the inverse of L: 1 / U_jj is L_jj.
      hessian.order.forEach((c, j) => columnWeights[c] = hessian.lower[j * cols + j]! ** power);
      const codebook = table ?? steps.learn(scaled, { ...learning, columnWeights, scalePower: 2 });
      return {
        codebook,
        codes: steps.roundByHessian(scaled, {
          codebook,
          codebookRows: learning.codebookRows,
          bits: learning.bits,
        }, hessian),
      };
    },
  };
}
