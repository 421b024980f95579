/**
 * The size of packed matrices before there are any.
 *
 * @module
 */
import type { Format } from "../formats/format.ts";
import { formatOf } from "../formats/formats.ts";
import { packedBytes } from "../matrix/packed_matrix.ts";
import { wordsPerRow } from "../matrix/packing.ts";
import { tablesOf } from "./codebook_sharing.ts";
import { type QuantizeOptions, resolveGroupSize } from "./quantize.ts";

/** The options that say how a matrix is stored. */
export type StorageOptions = Pick<
  QuantizeOptions,
  "groupSize" | "codebook" | "codebookType" | "scaleType" | "outliers"
>;

/**
 * The bytes that `quantize()` would make of a matrix, codes, scales, zeros, codebooks and outliers, if halves are precise enough
 * for its scales.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(packedBytesOf({ rows: 1, cols: 128 }, { format: "nf4" }), 64 + 2); // codes, scale
 * ```
 */
export function packedBytesOf(
  { rows, cols }: { rows: number; cols: number },
  options: StorageOptions & { format: string | Format },
): number {
  const { codebook = "row", outliers = 0, scaleType = "f16" } = options;
  const format = formatOf(options.format);
  const { bits, scaling, values } = format;
  const groupSize = resolveGroupSize(format, { groupSize: options.groupSize, cols });
  const groups = rows * Math.ceil(cols / groupSize);
  const { codebookType = scaleType === "f32" ? "f32" : "f16" } = options;
  return packedBytes({
    format: format.name,
    bits,
    rows,
    cols,
    groupSize,
    codes: new Uint32Array(rows * wordsPerRow(cols, bits)),
    scales: new Float32Array(groups),
    zeros: scaling.zero ? new Float32Array(groups) : null,
    codebook: new Float32Array((values ? 1 : tablesOf(codebook, rows)) << bits),
    ...(!values && codebook.endsWith("-tables") && { codebookRows: new Uint8Array(rows) }),
    scaleType: scaling.stored === "e8m0" ? "e8m0" : scaleType,
    codebookType: values ? "fixed" : codebookType,
    ...(outliers > 0 && {
      outliers: {
        starts: new Uint32Array(rows + 1),
        columns: new Uint16Array(0),
        values: new Float32Array(Math.round(outliers * rows * cols)),
      },
    }),
  });
}
