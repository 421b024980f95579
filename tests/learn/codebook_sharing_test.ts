import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { OptionError } from "../../lib/errors.ts";
import type { CodebookSharing } from "../../lib/learn/codebook_sharing.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import { codebookAt, rowCodebooks } from "../../lib/matrix/codebooks.ts";
import { dequantize, packedBytes } from "../../lib/matrix/packed_matrix.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";

const random = new Random(5);
const [rows, cols] = [24, 200];

/** Rows of three shapes, one after another, all from −1 to 1: even, two clumps, most near 0. */
const shapes = [
  () => 2 * random.next() - 1,
  () => (random.integer(2) ? 0.9 : -0.9) + random.next() / 20,
  () => random.normal() / 20,
];
const matrix = {
  rows,
  cols,
  data: Float32Array.from(
    { length: rows * cols },
    (_, i) => i % cols < 2 ? 2 * (i % cols) - 1 : shapes[Math.floor(i / cols) % 3]!(),
  ),
};
const packedBy = (codebook: CodebookSharing) =>
  quantize(matrix, { format: "any3", groupSize: "row", codebook });

Deno.test("rows of like shapes pick the same table", () => {
  const { codebookRows, codebook } = packedBy("3-tables");
  assertEquals(codebook.length, 3 * 8);
  for (let row = 3; row < rows; row++) assertEquals(codebookRows![row], codebookRows![row % 3]);
  assertEquals(new Set(codebookRows).size, 3);
});

Deno.test("the more tables, the less error; picked ones beat those of neighbours", () => {
  const error = (codebook: CodebookSharing) => relativeError(dequantize(packedBy(codebook)), matrix.data);
  const errors = (["matrix", "8-rows", "3-tables", "row"] as const).map(error);
  errors.slice(1).forEach((value, i) => assertLess(value, errors[i]!));
});

Deno.test("a row's table follows from its place, or is the one that it names; all are laid out for kernels", () => {
  const eights = packedBy("8-rows");
  assertEquals([0, 7, 8, 23].map((row) => codebookAt(eights, row)), [0, 0, 8, 16]);
  const picked = packedBy("2-tables");
  const all = rowCodebooks(picked);
  assertEquals(all.length, rows * 8);
  for (let row = 0; row < rows; row++) {
    const at = 8 * picked.codebookRows![row]!;
    assertEquals(all.subarray(8 * row, 8 * row + 8), picked.codebook.subarray(at, at + 8));
  }
  assertEquals(packedBytes(picked) - packedBytes(packedBy("matrix")), 2 * 8 + rows);
});

Deno.test("as many tables as rows, or more, are those of the rows", () => {
  const own = packedBy("row");
  assertEquals(packedBy("1-rows"), own);
  assertEquals(dequantize(packedBy("256-tables")), dequantize(own));
});

Deno.test("a codebook of no matrix, rows or tables is refused", () => {
  for (const sharing of ["rows", "0-rows", "8 rows", "257-tables", "x-tables", ""]) {
    assertThrows(() => packedBy(sharing as "row"), OptionError, `current value is "${sharing}"`);
  }
});
