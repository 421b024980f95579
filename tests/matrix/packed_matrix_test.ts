import { assertEquals } from "@std/assert";
import { packRow } from "../../lib/matrix/packing.ts";
import {
  dequantize,
  dequantizeRows,
  firstGroupValues,
  groupsPerRow,
  isLine,
  packedBitsPerWeight,
  packedBytes,
  type PackedMatrix,
  storedBytes,
} from "../../lib/matrix/packed_matrix.ts";

/** Two rows of five 2-bit codes, in groups of two. */
const codes = [[0, 1, 2, 3, 0], [3, 2, 1, 0, 3]];
const packed: PackedMatrix = {
  format: "any2",
  bits: 2,
  rows: 2,
  cols: 5,
  groupSize: 2,
  codes: new Uint32Array(4),
  scales: Float32Array.of(1, 10, 100, 2, 20, 200),
  zeros: Float32Array.of(0.5, 0, 0, 0, 0, -1),
  codebook: Float32Array.of(0, 1, 2, 4, 0, -1, -2, -8),
  scaleType: "f16",
  codebookType: "f16",
};
codes.forEach((row, r) => packRow(Uint8Array.from(row), { bits: 2, cols: 5, row: r }, packed.codes));
const values = [0.5, 1.5, 20, 40, 0, -16, -4, -20, 0, -1601];

Deno.test("ŵ = scale · codebook[code] + zero, each row by its own codebook", () => {
  assertEquals([...dequantize(packed)], values);
  const second = new Float32Array(5);
  dequantizeRows(packed, { from: 1, to: 2 }, second);
  assertEquals([...second], values.slice(5));
});

Deno.test("a codebook of one row is shared by all rows, and without zeros nothing is added", () => {
  const shared = { ...packed, codebook: packed.codebook.subarray(0, 4), zeros: null };
  assertEquals([...dequantize(shared)], [0, 1, 20, 40, 0, 8, 4, 20, 0, 800]);
});

Deno.test("codes, scales, zeros and codebooks take space as they are stored; a fixed codebook takes none", () => {
  // 4 words of codes, 6 scales and 6 zeros, 8 values.
  assertEquals(packedBytes(packed), 16 + 2 * 12 + 2 * 8);
  assertEquals(packedBytes({ ...packed, scaleType: "f32", zeros: null }), 16 + 4 * 6 + 2 * 8);
  assertEquals(packedBytes({ ...packed, scaleType: "e8m0", zeros: null, codebookType: "fixed" }), 16 + 6);
  assertEquals(packedBitsPerWeight(packed), 8 * 56 / 10);
  assertEquals([storedBytes(packed), groupsPerRow(packed)], [56, 3]);
});

Deno.test("a dense matrix takes what its type does; its values are not looked at", () => {
  const matrix = {
    rows: 3,
    cols: 5,
    get data(): Float32Array {
      throw new Error("it was widened");
    },
  };
  assertEquals([storedBytes({ ...Object.create(matrix), rows: 3, cols: 5, dtype: "BF16" })], [30]);
  assertEquals(storedBytes({ rows: 3, cols: 5, data: new Float32Array(15) }), 60);
});

Deno.test("a line is a codebook of even steps, exactly", () => {
  assertEquals(
    [[0, 1, 2, 3], [-1, -0.5, 0, 0.5], [2, 2, 2, 2]].map((row) => isLine(Float32Array.from(row))),
    [true, true, true],
  );
  assertEquals([[0, 1, 2, 4], [0, 1, 2, 3.0000002]].map((row) => isLine(Float32Array.from(row))), [
    false,
    false,
  ]);
});

Deno.test("the values of a group are all that a code can stand for, once each, whether a weight has them or not", () => {
  const scaled = { ...packed, codebook: Float32Array.of(3, -1, 0, -0, 9, 9, 9, 9) };
  const expected = [-1, 0, 3].map((value) =>
    Math.fround(packed.scales[0]! * value + (packed.zeros?.[0] ?? 0))
  );
  assertEquals(firstGroupValues(scaled), expected);
});
