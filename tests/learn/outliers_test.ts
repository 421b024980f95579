import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { OptionError } from "../../lib/errors.ts";
import { checkOutliers, outliersOf, splitOutliers } from "../../lib/learn/outliers.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import { dequantize, packedBitsPerWeight } from "../../lib/matrix/packed_matrix.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";

const random = new Random(5);
const [rows, cols] = [8, 256];
/** Normal weights, of which ten are far out. */
const far = Uint32Array.of(3, 200, 300, 511, 512, 777, 1000, 1500, 1501, 2047);
const data = Float32Array.from({ length: rows * cols }, () => random.normal());
for (const place of far) data[place] = 40 + place / 1000;
const matrix = { rows, cols, data };

Deno.test("the weights that are far out are taken out, and their group's mean stands in for them", () => {
  const { rest, places } = splitOutliers(matrix, {
    part: 10 / data.length,
    groupSize: 64,
    quantize: (cut) => quantize(cut, { format: "any2", groupSize: 64 }),
  });
  assertEquals(places, far);
  for (const place of far) assertLess(Math.abs(rest.data[place]!), 1);
  assertEquals(rest.data.filter((value, i) => value === data[i]).length, data.length - far.length);
});

Deno.test("a column that weighs nothing has no outliers", () => {
  const columnWeights = new Float64Array(cols).fill(1);
  columnWeights[3] = 0;
  const { places } = splitOutliers(matrix, {
    part: 10 / data.length,
    groupSize: 64,
    columnWeights,
    quantize: (cut) => quantize(cut, { format: "any2", groupSize: 64 }),
  });
  assertEquals(places.length, 10);
  assert(!places.includes(3));
});

Deno.test("weights beside the codes come back to within half a step of a half, and the rest is nearer too", () => {
  const plain = quantize(matrix, { format: "any2", groupSize: 64 });
  const packed = quantize(matrix, { format: "any2", groupSize: 64, outliers: 10 / data.length });
  assertEquals(packed.outliers!.starts.at(-1), 10);
  const weights = dequantize(packed);
  for (const place of far) assertLess(Math.abs(weights[place]! - data[place]!), 40 * 2 ** -10);
  assertLess(relativeError(weights, data), 0.7 * relativeError(dequantize(plain), data));
  assertEquals(packedBitsPerWeight(packed), packedBitsPerWeight(plain) + 32 * (10 + rows + 1) / data.length);
});

Deno.test("a row, a matrix and a group may have none, or nothing else", () => {
  const packed = quantize(matrix, { format: "any3", groupSize: 1, outliers: 0.05 });
  assertLess(relativeError(dequantize(packed), data), 1e-2);
  const none = outliersOf(matrix, packed, new Uint32Array(0));
  assertEquals(none, {
    starts: new Uint32Array(rows + 1),
    columns: new Uint16Array(0),
    values: new Float32Array(0),
  });
});

Deno.test("a part that is out of range, and columns beyond 16 bits, throw", () => {
  for (const part of [-0.1, 0.06, NaN]) {
    assertThrows(() => quantize(matrix, { format: "any2", outliers: part }), OptionError, "outliers must be");
  }
  assertThrows(() => checkOutliers(0.01, { cols: 65537, name: "a.weight" }), OptionError, "65536 columns");
});
