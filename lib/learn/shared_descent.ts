/**
 * Codebooks that rows share, improved against a Hessian.
 *
 * @module
 */
import { codebookRounding } from "../matrix/codebook_type.ts";
import { codebookAt } from "../matrix/codebooks.ts";
import type { QuantizeSteps, ScaledMatrix } from "./quantize_steps.ts";
import { type DescentOptions, tableStep } from "./row_descent.ts";
import type { Solution, Tables } from "./tables.ts";

/**
 * Improves tables that rows share, and all rows' codes and scales, in turns: the normal equations of a table are the sums of
 * those of its rows. No step makes the error of all rows larger.
 */
export function descendShared(
  scaled: ScaledMatrix,
  start: Tables & Solution,
  { steps, ...options }: DescentOptions & { steps: QuantizeSteps },
): Solution {
  const { bits, codebookRows } = start;
  let now: Tables & Solution = start;
  let matrix = scaled;
  for (let round = 0; round < options.rounds; round++) {
    const codebook = refit(matrix, now, { ...options, steps });
    now = {
      bits,
      codebookRows,
      ...steps.descend(matrix, { ...now, codebook }, { ...options, refits: false, rounds: 1 }),
    };
    matrix = { ...matrix, scales: now.scales ?? matrix.scales, zeros: now.zeros ?? matrix.zeros };
  }
  return now;
}

/** The tables that make the error least for these codes. */
function refit(
  scaled: ScaledMatrix,
  at: Tables & Solution,
  { steps, hessian, type }: DescentOptions & { steps: QuantizeSteps },
): Float32Array {
  const { rows } = scaled.matrix;
  const { bits } = at;
  const size = (1 << bits) * ((1 << bits) + 1);
  const all = steps.normals(scaled, at, hessian);
  const sums = new Map<number, Float64Array>();
  for (let r = 0; r < rows; r++) {
    const table = codebookAt({ rows, ...at }, r);
    const sum = sums.get(table) ?? new Float64Array(size);
    for (let i = 0; i < size; i++) sum[i]! += all[r * size + i]!;
    sums.set(table, sum);
  }
  const codebook = at.codebook.slice();
  const rounding = codebookRounding(type, bits);
  for (const [from, sum] of sums) {
    const table = codebook.subarray(from, from + (1 << bits));
    tableStep(sum, { table, rounding })?.steps.forEach((step, k) => table[k]! += step);
  }
  return codebook;
}
