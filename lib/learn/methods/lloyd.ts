/**
 * Weighted k-means by Lloyd's algorithm, as any4's reference has it: a local optimum, for comparison.
 *
 * @module
 */
import { Lloyd, type LloydOptions } from "../lloyd.ts";
import { learnTables } from "../quantize_steps.ts";
import type { Method } from "./method.ts";

/**
 * Makes the method.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 */
export function lloyd(options: LloydOptions = {}): Method {
  new Lloyd(1, options);
  return {
    name: "lloyd",
    options,
    needs: "columns",
    solve({ scaled, table, ...learning }, steps) {
      const { bits, codebookRows } = learning;
      const codebook = table ?? learnTables(scaled, { ...learning, learner: new Lloyd(2 ** bits, options) });
      return { codebook, codes: steps.round(scaled, { codebook, codebookRows, bits }) };
    },
  };
}
