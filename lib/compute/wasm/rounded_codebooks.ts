/**
 * Codebooks in whole numbers, as the kernels of rounded activations look them up.
 *
 * @module
 */
import type { ActivationType } from "../backend.ts";
import type { PackedMatrix } from "../../matrix/packed_matrix.ts";

/** How products of packed weights with few tokens round what they multiply: the kernels know no halves. */
export type WasmActivationType = Exclude<ActivationType, "f16">;

/** A codebook is rounded to levels on both sides of its middle: codebook ≈ base + unit · (level − middle). */
const KINDS = {
  /** Their low bytes, then their high ones. */
  int16: { least: -32767, largest: 32767, bytes: 32 },
  /** Seven bits: two bytes multiplied by such fit 16 bits, as the kernels' instruction needs. */
  int8: { least: 0, largest: 127, bytes: 16 },
} as const;

/** The rounded codebooks of a matrix. */
export interface Levels {
  /** One after the other; each is unit and base as float32, then 16 levels in bytes. */
  readonly data: Uint8Array;
  /** Bytes from a row's to the next row's; 0 where all rows share them. */
  readonly stride: number;
}

/** Rounds codebooks for codes of at most 4 bits. */
export function levelsOf(
  { codebook, bits }: Pick<PackedMatrix, "codebook" | "bits">,
  activations: "int16" | "int8",
): Levels {
  const { least, largest, bytes } = KINDS[activations];
  const values = 2 ** bits;
  const codebooks = codebook.length / values;
  const stride = bytes + 8;
  const data = new Uint8Array(codebooks * stride);
  const floats = new Float32Array(data.buffer);
  for (let t = 0; t < codebooks; t++) {
    const one = codebook.subarray(t * values, (t + 1) * values);
    let [bottom, top] = [Infinity, -Infinity];
    for (const value of one) [bottom, top] = [Math.min(bottom, value), Math.max(top, value)];
    const unit = Math.fround((top - bottom) / (largest - least));
    const at = t * stride;
    for (let i = 0; i < values; i++) {
      const level = unit === 0 ? 0 : Math.min(Math.round((one[i]! - bottom) / unit) + least, largest);
      data[at + 8 + i] = level;
      if (bytes === 32) data[at + 24 + i] = level >> 8;
    }
    floats[at / 4] = unit;
    floats[at / 4 + 1] = (bottom + top) / 2;
  }
  return { data, stride: codebooks === 1 ? 0 : stride };
}
