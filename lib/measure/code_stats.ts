/**
 * Statistics of the codes of a packed matrix.
 *
 * @module
 */
import { codebookAt } from "../matrix/codebooks.ts";
import { groupsPerRow, type PackedMatrix } from "../matrix/packed_matrix.ts";
import { unpackRow } from "../matrix/packing.ts";

/** How often codes occur. */
export interface CodeStats {
  /** Entropy of the codes of all rows together, in bits; the format's bits at most. */
  entropy: number;
  /** The mean of the rows' entropies, in bits. */
  rowEntropy: number;
  /** The mean number of a row's codes that no weight has. */
  unused: number;
}

/**
 * Counts the codes of a packed matrix.
 *
 * @param only the number of a row that alone is counted.
 *
 * @example
 * ```ts
 * import { quantize } from "any4";
 * import { codeStats } from "any4/measure";
 * import { assertEquals } from "@std/assert";
 * const matrix = { rows: 2, cols: 4, data: Float32Array.of(0, 3, 0, 3, 0, 3, 3, 0) };
 * const packed = quantize(matrix, { format: "int2", groupSize: "row" });
 * assertEquals(codeStats(packed), { entropy: 1, rowEntropy: 1, unused: 2 });
 * ```
 */
export function codeStats(packed: PackedMatrix, only?: number): CodeStats {
  const { rows, cols, bits } = packed;
  const codes = new Uint8Array(cols);
  const all = new Float64Array(2 ** bits);
  let [rowEntropy, unused] = [0, 0];
  const [from, to] = only === undefined ? [0, rows] : [only, only + 1];
  for (let row = from; row < to; row++) {
    unpackRow(packed.codes, { bits, cols, row }, codes);
    const counts = new Float64Array(2 ** bits);
    for (const code of codes) counts[code]!++;
    for (const [code, n] of counts.entries()) {
      all[code]! += n;
      if (n === 0) unused++;
    }
    rowEntropy += entropyOf(counts);
  }
  return { entropy: entropyOf(all), rowEntropy: rowEntropy / (to - from), unused: unused / (to - from) };
}

/** The entropy of counts, in bits. */
export function entropyOf(counts: Float64Array): number {
  const total = counts.reduce((sum, n) => sum + n, 0);
  return counts.reduce((sum, n) => n === 0 ? sum : sum - n / total * Math.log2(n / total), 0);
}

/** A row in the units of its codebook. */
export interface ScaledCodes {
  /** [cols]: (w − zero) / scale of its group; NaN where the scale is 0. */
  weights: Float32Array;
  /** [2^bits]: the values that codes stand for. */
  codebook: Float32Array;
}

/**
 * A row of weights as the codebook of a packed matrix sees them.
 *
 * @param weights [cols]: the row before it was packed.
 * @param row its number.
 */
export function scaledRow(weights: Float32Array, row: number, packed: PackedMatrix): ScaledCodes {
  const { groupSize, scales, zeros, bits, codebook } = packed;
  const groups = groupsPerRow(packed);
  const scaled = weights.map((weight, c) => {
    const group = row * groups + Math.floor(c / groupSize);
    return (weight - (zeros?.[group] ?? 0)) / scales[group]!;
  });
  const from = codebookAt(packed, row);
  return { weights: scaled, codebook: codebook.slice(from, from + 2 ** bits) };
}
