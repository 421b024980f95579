/**
 * GPTQ (Frantar and others 2022): columns are rounded one after another, each making up for the errors of those before it.
 *
 * @module
 */
import { checkFactorOptions, factorHessian, type FactorOptions } from "../hessian.ts";
import type { Method } from "./method.ts";

/**
 * Makes the method. It rounds to the format's fixed table, or to tables that exact k-means learns; scales are those of the
 * original weights ("static groups").
 *
 * @throws {OptionError} when an option is out of range.
 */
export function gptq(options: FactorOptions = {}): Method {
  checkFactorOptions(options);
  return {
    name: "gptq",
    options,
    needs: "gram",
    solve({ scaled, table, stats, ...learning }, steps) {
      const { bits, codebookRows } = learning;
      const codebook = table ?? steps.learn(scaled, learning);
      return {
        codebook,
        codes: steps.roundByHessian(
          scaled,
          { codebook, codebookRows, bits },
          factorHessian(stats!.gram!, { ...options, steps }),
        ),
      };
    },
  };
}
