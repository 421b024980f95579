/**
 * Packed matrices as the any4 reference holds them: the parameters of its Any4Linear
 * (github.com/facebookresearch/any4, modules.py).
 *
 * The module "X" has "X.weight", its codes, one in each 32-bit word, before they are laid out for tensor cores;
 * "X.scales_and_zeros" and "X.lut". A weight is lut[code] · scale + zero'. As the reference centres its codebooks on 0,
 * lut = codebook − 8 and zero' = zero + 8 · scale.
 *
 * @module
 */
import { TensorError } from "../../errors.ts";
import { rowCodebooks } from "../../matrix/codebooks.ts";
import { type FloatType, fromFloat32 } from "../../matrix/dtype.ts";
import { groupsPerRow, type PackedMatrix } from "../../matrix/packed_matrix.ts";
import { unpackRow } from "../../matrix/packing.ts";
import type { TensorPlace } from "../decoder/layout.ts";
import type { StoredTensor } from "./packed_tensors.ts";

const BITS = 4;
const CENTRE = 2 ** (BITS - 1);

/**
 * The parameters of an Any4Linear: weight [rows, cols], scales_and_zeros [groups, rows, 2] and lut [rows, 16], or [16]
 * where all rows share a codebook.
 *
 * @param place the weight's name, which ends in ".weight", and in which order the model itself has its rows.
 * @param dtype of scales_and_zeros and lut; the reference has the model's own.
 * @throws {TensorError} when codes have not 4 bits, groups do not divide the columns, or rows stand in another order than in the
 * model: the reference has no other.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { quantize } from "any4";
 *
 * const matrix = { rows: 2, cols: 32, data: Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)) };
 * const packed = quantize(matrix, { format: "any4", groupSize: 16 });
 * const tensors = referenceTensors({ name: "a.weight" }, packed, "BF16");
 * assertEquals(tensors.map(({ name }) => name), ["a.weight", "a.scales_and_zeros", "a.lut"]);
 * assertEquals(tensors.map(({ shape }) => shape), [[2, 32], [2, 2, 2], [2, 16]]);
 * ```
 */
export function referenceTensors(
  place: Pick<TensorPlace, "name" | "transposed" | "interleaved">,
  packed: PackedMatrix,
  dtype: FloatType,
): StoredTensor[] {
  const { name, transposed, interleaved } = place;
  if (transposed || interleaved) {
    throw new TensorError(
      `Cannot write ${name} as the reference's Any4Linear: the model has it ${
        transposed ? "transposed" : "with its rows in another order"
      }`,
    );
  }
  const { format, bits, rows, cols, groupSize } = packed;
  const codebook = rowCodebooks(packed);
  if (bits !== BITS) {
    throw new TensorError(
      `Cannot write ${name} as the reference's Any4Linear: its codes have 4 bits, those of ${format} have ${bits}`,
    );
  }
  if (packed.outliers) {
    throw new TensorError(
      `Cannot write ${name} as the reference's Any4Linear: it keeps weights beside its codes, the reference has none`,
    );
  }
  if (cols % groupSize !== 0) {
    throw new TensorError(
      `Cannot write ${name} as the reference's Any4Linear: groups of ${groupSize} do not divide ${cols} columns`,
    );
  }
  const module = name.replace(/\.weight$/, "");
  const values = codebook.length;
  // Codebooks without zeros, such as nf4's, are centred already.
  const centre = packed.zeros ? CENTRE : 0;
  return [
    { name, dtype: "I32", shape: [rows, cols], data: () => codeWords(packed) },
    {
      name: `${module}.scales_and_zeros`,
      dtype,
      shape: [cols / groupSize, rows, 2],
      data: () => fromFloat32(scalesAndZeros(packed, centre), dtype),
    },
    {
      name: `${module}.lut`,
      dtype,
      shape: values === 2 ** BITS ? [values] : [rows, 2 ** BITS],
      data: () => fromFloat32(codebook.map((value) => value - centre), dtype),
    },
  ];
}

/** [rows, cols] codes, each in 32 bits. */
function codeWords(packed: PackedMatrix): Uint8Array {
  const { rows, cols, bits } = packed;
  const words = new Int32Array(rows * cols);
  const codes = new Uint8Array(cols);
  for (let row = 0; row < rows; row++) {
    unpackRow(packed.codes, { bits, cols, row }, codes);
    words.set(codes, row * cols);
  }
  return new Uint8Array(words.buffer);
}

/** [groups, rows, 2]. */
function scalesAndZeros(packed: PackedMatrix, centre: number): Float32Array {
  const { rows, scales, zeros } = packed;
  const groups = groupsPerRow(packed);
  const out = new Float32Array(2 * groups * rows);
  for (let g = 0; g < groups; g++) {
    for (let r = 0; r < rows; r++) {
      const scale = scales[r * groups + g]!;
      const at = 2 * (g * rows + r);
      out[at] = scale;
      out[at + 1] = (zeros?.[r * groups + g] ?? 0) + centre * scale;
    }
  }
  return out;
}
