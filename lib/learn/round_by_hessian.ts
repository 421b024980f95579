/**
 * Rounding column by column, each making up for the errors of those before it: the pass of GPTQ.
 *
 * @module
 */
import { codebookAt, isShared } from "../matrix/codebooks.ts";
import { packRow, wordsPerRow } from "../matrix/packing.ts";
import { dot } from "./dot.ts";
import type { FactoredHessian } from "./hessian.ts";
import { Nearest } from "./nearest.ts";
import { type ScaledMatrix, ScaledRow } from "./scaled_row.ts";
import type { Tables } from "./tables.ts";

/**
 * Rounds a matrix to tables, column by column in the Hessian's order; returns packed codes.
 *
 * With H = Lᵀ L the squared error of the output is Σ_j (Σ_{i ≤ j} L_ji d_i)², d = ŵ − w: column j is rounded to what makes
 * its own term least, given all before it. That is the paper's update of the weights to come by the Cholesky factor of H⁻¹,
 * whose rows are those of L⁻¹, without inverting anything.
 */
export function roundByHessian(
  scaled: ScaledMatrix,
  tables: Tables,
  { order, lower }: FactoredHessian,
): Uint32Array {
  const { rows, cols } = scaled.matrix;
  const { codebook, bits } = tables;
  const codes = new Uint32Array(rows * wordsPerRow(cols, bits));
  const size = 2 ** bits;
  const nearest = new Nearest(size);
  const row = new ScaledRow(scaled);
  const errors = new Float64Array(cols);
  const rowCodes = new Uint8Array(cols);
  for (let r = 0; r < rows; r++) {
    const table = codebookAt({ rows, ...tables }, r);
    if (r === 0 || !isShared(tables)) nearest.load(codebook, table, size);
    row.load(r);
    for (let j = 0; j < cols; j++) {
      const behind = dot(lower, j * cols, { vector: errors, n: j });
      const c = order[j]!;
      const weight = row.weights[c]!;
      const code = rowCodes[c] = row.code(nearest, weight - behind / lower[j * cols + j]!, c);
      errors[j] = row.scales[c]! * codebook[table + code]! + row.zeros[c]! - weight;
    }
    packRow(rowCodes, { bits, cols, row: r }, codes);
  }
  return codes;
}
