/**
 * Codebooks in whole numbers, as the kernels of rounded activations look them up.
 *
 * @module
 */
import type { ActivationType } from "../backend.ts";
import { groupsPerRow, type PackedMatrix } from "../../matrix/packed_matrix.ts";

/** How products of packed weights with few tokens round what they multiply: the kernels know no halves. */
export type WasmActivationType = Exclude<ActivationType, "f16">;

/** A codebook is rounded to levels on both sides of its middle: codebook ≈ base + unit · (level − middle). */
const KINDS = {
  /** Their low bytes, then their high ones. */
  int16: { least: -32767, middle: 0, largest: 32767, bytes: 32 },
  /** Seven bits: two bytes multiplied by such fit 16 bits, as the kernels' instruction needs. */
  int8: { least: 0, middle: 64, largest: 127, bytes: 16 },
} as const;

/** The rounded codebooks of a matrix. */
export interface Levels {
  /** One after the other, 16 levels in bytes; none where codes are levels themselves. */
  readonly data: Uint8Array;
  /** Bytes from a row's to the next row's; 0 where all rows share them. */
  readonly stride: number;
  /** What a group's products are multiplied by, and then its sum of activations: [rows, groups, 2]. */
  readonly factors: Float32Array;
}

/** Rounds codebooks for codes of at most 4 bits, one for all rows or one a row; those of 8 bits are lines. */
export function levelsOf(matrix: PackedMatrix, activations: "int16" | "int8"): Levels {
  const { codebook, bits } = matrix;
  const values = 2 ** bits;
  const codebooks = codebook.length / values;
  if (bits === 8) {
    const [least, next] = [codebook[0]!, codebook[1]!];
    return {
      data: new Uint8Array(),
      stride: 0,
      factors: factorsOf(matrix, [{ base: least, unit: next - least }]),
    };
  }
  const { least, middle, largest, bytes } = KINDS[activations];
  const data = new Uint8Array(codebooks * bytes);
  const lines = Array.from({ length: codebooks }, (_, t) => {
    const one = codebook.subarray(t * values, (t + 1) * values);
    let [bottom, top] = [Infinity, -Infinity];
    for (const value of one) [bottom, top] = [Math.min(bottom, value), Math.max(top, value)];
    const unit = (top - bottom) / (largest - least);
    for (let i = 0; i < values; i++) {
      const level = unit === 0 ? middle : Math.min(Math.round((one[i]! - bottom) / unit) + least, largest);
      data[t * bytes + i] = level;
      if (bytes === 32) data[t * bytes + 16 + i] = level >> 8;
    }
    return { unit, base: bottom + (middle - least) * unit };
  });
  return { data, stride: codebooks === 1 ? 0 : bytes, factors: factorsOf(matrix, lines) };
}

/** Factors of rows whose values are base + unit · whole number before they are scaled; all rows may share those. */
function factorsOf(matrix: PackedMatrix, lines: readonly { unit: number; base: number }[]): Float32Array {
  const { scales, zeros } = matrix;
  const groups = groupsPerRow(matrix);
  const factors = new Float32Array(2 * scales.length);
  for (const [i, scale] of scales.entries()) {
    const { unit, base } = lines[lines.length === 1 ? 0 : Math.floor(i / groups)]!;
    factors[2 * i] = scale * unit;
    factors[2 * i + 1] = scale * base + (zeros?.[i] ?? 0);
  }
  return factors;
}
