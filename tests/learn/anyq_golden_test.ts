import { assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import { quantize } from "../../lib/learn/quantize.ts";
import { groupsPerRow, type PackedMatrix } from "../../lib/matrix/packed_matrix.ts";
import { unpackRow } from "../../lib/matrix/packing.ts";
import golden from "../golden/anyq.json" with { type: "json" };
import { statsOf } from "../stats.ts";
import { Lcg } from "../golden/lcg.ts";

const { rows, cols, groupSize, seed, cases } = golden;
const lcg = new Lcg(seed);
const matrix = { rows, cols, data: lcg.heavyTailed(rows * cols) };
const columnWeights = lcg.weights(cols);

/** Σ columnWeights[c] · scale · (u − û)² over the scaled weights u of a row: what the reference minimises. */
function rowError(packed: PackedMatrix, row: number): number {
  const { bits, scales, zeros, codebook } = packed;
  const codes = new Uint8Array(cols);
  unpackRow(packed.codes, { bits, cols, row }, codes);
  return codes.reduce((error, code, c) => {
    const group = row * groupsPerRow(packed) + Math.floor(c / groupSize);
    const scaled = (matrix.data[row * cols + c]! - zeros![group]!) / scales[group]!;
    return error + columnWeights[c]! * scales[group]! * (scaled - codebook[row * 2 ** bits + code]!) ** 2;
  }, 0);
}

for (const { bits, scales, zeros, errors } of cases) {
  const packed = quantize(matrix, {
    format: `any${bits}`,
    groupSize,
    weighting: "mean-abs",
    stats: statsOf(columnWeights),
    scaleType: "f32",
  });

  Deno.test(`any${bits} has the scales and zeros of any4's reference`, () => {
    assertEquals(packed.scales.length, scales.length);
    scales.forEach((scale, i) => {
      // Two roundings there, one here.
      assertAlmostEquals(packed.scales[i]!, scale, 2 ** -22 * scale, `scale ${i}`);
      // The reference stores min + scale · 2^(bits − 1), and takes 2^(bits − 1) from every entry of the table.
      const zero = packed.zeros![i]! + packed.scales[i]! * 2 ** (bits - 1);
      const digits = 2 ** -22 * (Math.abs(packed.zeros![i]!) + scale * 2 ** bits);
      assertAlmostEquals(zero, zeros[i]!, digits, `zero ${i}`);
    });
  });

  Deno.test(`any${bits} has no larger weighted error than any4's reference on any row`, () => {
    errors.forEach((error, row) => {
      // float32 scaled weights there, double here.
      assertLessOrEqual(rowError(packed, row), error * (1 + 1e-5), `row ${row}`);
    });
  });
}
