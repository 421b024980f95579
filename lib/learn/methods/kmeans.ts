/**
 * Exact weighted k-means: the codebook of least weighted error, and each weight rounded to its nearest entry.
 *
 * @module
 */
import type { Method } from "./method.ts";

/** Makes the method. A fixed codebook is rounded to as it is. */
export function kmeans(): Method {
  return {
    name: "kmeans",
    needs: "columns",
    solve({ scaled, table, ...learning }, steps) {
      const codebook = table ?? steps.learn(scaled, learning);
      return {
        codebook,
        codes: steps.round(scaled, { codebook, codebookRows: learning.codebookRows, bits: learning.bits }),
      };
    },
  };
}
