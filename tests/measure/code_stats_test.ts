import { assert, assertEquals } from "@std/assert";
import { dequantize, quantize } from "any4";
import { codeStats, scaledRow } from "../../lib/measure/code_stats.ts";
import { Random } from "../../lib/random.ts";

const random = new Random(12);
const matrix = { rows: 6, cols: 64, data: Float32Array.from({ length: 6 * 64 }, () => random.normal()) };

Deno.test("a row is shown with the codebook that it has, however rows share them", () => {
  for (const codebook of ["row", "matrix", "2-rows", "2-tables"] as const) {
    const packed = quantize(matrix, { format: "any2", groupSize: 32, codebook });
    const found = dequantize(packed);
    for (let row = 0; row < matrix.rows; row++) {
      const part = found.slice(row * 64, (row + 1) * 64);
      const scaled = scaledRow(part, row, packed);
      assertEquals(scaled.codebook.length, 4);
      for (const weight of scaled.weights) {
        const nearest = Math.min(...scaled.codebook.map((value) => Math.abs(value - weight)));
        assert(nearest < 1e-4, `${codebook}, row ${row}: ${weight} is none of ${scaled.codebook}`);
      }
    }
  }
});

Deno.test("codes of one row are counted alone", () => {
  const packed = quantize(matrix, { format: "int2", groupSize: "row" });
  const rows = Array.from({ length: matrix.rows }, (_, row) => codeStats(packed, row));
  const mean = rows.reduce((sum, { entropy }) => sum + entropy, 0) / matrix.rows;
  assert(Math.abs(codeStats(packed).rowEntropy - mean) < 1e-12);
});
