import { assert, assertEquals } from "@std/assert";
import { storedMatrix } from "../../../lib/matrix/stored_matrix.ts";
import { denseParts, rowRanges, tableParts } from "../../../lib/compute/webgpu/weight_parts.ts";
import { quantize } from "../../../lib/learn/quantize.ts";
import { toFloat32 } from "../../../lib/matrix/dtype.ts";
import { Random } from "../../../lib/random.ts";

const random = new Random(41);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const halves = (words: ArrayBufferView) =>
  toFloat32(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), "F16");

Deno.test("tableParts() gives the codes as they are, pairs of scale and zero, and tables of the rows", () => {
  const packed = quantize({ rows: 5, cols: 70, data: normal(350) }, { format: "any3", groupSize: 32 });
  const { shape, codes, scales, codebook } = tableParts(packed, { rows: { from: 2, to: 4 } });
  assertEquals([shape.rows, shape.firstRow, shape.outCols, shape.perRow], [2, 2, 5, true]);
  assertEquals([shape.scales, shape.codebook], ["f16", "f16"]);
  assert(codes.buffer === packed.codes.buffer);
  assertEquals(codes, packed.codes.slice(2 * 9, 4 * 9));
  const pairs = halves(scales);
  assertEquals(pairs.filter((_, i) => i % 2 === 0), packed.scales.slice(6, 12));
  assertEquals(pairs.filter((_, i) => i % 2 === 1), packed.zeros!.slice(6, 12));
  assertEquals(halves(codebook), packed.codebook.slice(16, 32));
});

Deno.test("tableParts() keeps singles where halves are not exact, and shared tables single", () => {
  const matrix = { rows: 2, cols: 64, data: normal(128) };
  const single = tableParts(quantize(matrix, { format: "any4", scaleType: "f32" }));
  assertEquals([single.shape.scales, single.shape.codebook], ["f32", "f32"]);
  const shared = tableParts(quantize(matrix, { format: "int4" }));
  assertEquals([shared.shape.perRow, shared.shape.codebook, shared.shape.line], [false, "f32", true]);
  const nf4 = tableParts(quantize(matrix, { format: "nf4" }));
  assertEquals([nf4.shape.line, nf4.codebook.length, nf4.scales.length], [false, 16, 2]);
});

Deno.test("a matrix of one row has a table of its own or a shared one, which is the same", () => {
  const { shape } = tableParts(quantize({ rows: 1, cols: 32, data: normal(32) }, { format: "any4" }));
  assertEquals(shape.perRow, false);
});

Deno.test("denseParts() starts every row on a word", () => {
  const data = Float32Array.of(1, 2, 3, 4, 5, 6);
  const { shape, weights } = denseParts({ rows: 2, cols: 3, data, dtype: "F16" });
  assertEquals(shape.dtype, "F16");
  assertEquals(halves(weights), Float32Array.of(1, 2, 3, 0, 4, 5, 6, 0));
});

Deno.test("denseParts() never loses precision: values that their type does not hold stay single", () => {
  const data = Float32Array.of(1 + 2 ** -12, 1);
  for (const dtype of ["F16", "BF16"] as const) {
    const { shape, weights } = denseParts({ rows: 1, cols: 2, data, dtype });
    assertEquals(shape.dtype, "F32");
    assertEquals(weights, data);
  }
});

Deno.test("rowRanges() cuts a matrix into parts that fit a binding", () => {
  const matrix = { rows: 10, cols: 8, data: new Float32Array(80) };
  assertEquals(rowRanges(matrix, 100), [
    { from: 0, to: 3 },
    { from: 3, to: 6 },
    { from: 6, to: 9 },
    { from: 9, to: 10 },
  ]);
  assertEquals(rowRanges(matrix, 1 << 20), [{ from: 0, to: 10 }]);
});

Deno.test("denseParts() takes stored halves as they are, and widens vectors and rows that end within a word", () => {
  const stored = new Uint8Array(Uint16Array.of(0x3f80, 0xc000, 0x4040, 0x4080).buffer);
  const square = denseParts(storedMatrix(stored, { rows: 2, cols: 2, dtype: "BF16" }));
  assertEquals([square.shape.dtype, square.weights.buffer], ["BF16", stored.buffer]);
  const second = denseParts(storedMatrix(stored, { rows: 2, cols: 2, dtype: "BF16" }), {
    rows: { from: 1, to: 2 },
  });
  assertEquals([...second.weights], [0x40804040]);
  const column = denseParts(storedMatrix(stored, { rows: 4, cols: 1, dtype: "BF16" }));
  assertEquals([...column.weights], [0x3f80, 0xc000, 0x4040, 0x4080]);
});
