import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { OptionError, TensorError } from "../../lib/errors.ts";
import { formats } from "../../lib/formats/formats.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import type { Matrix } from "../../lib/matrix/matrix.ts";
import { dequantize, packedBitsPerWeight } from "../../lib/matrix/packed_matrix.ts";
import { statsOf } from "../stats.ts";
import { Random } from "../../lib/random.ts";

function randomMatrix(rows: number, cols: number, options: { seed?: number; scale?: number } = {}): Matrix {
  const random = new Random(options.seed ?? 1);
  // Heavy tails, as trained weights have them.
  const draw = () => random.normal() ** 3 * 0.3 + random.normal();
  return {
    rows,
    cols,
    data: Float32Array.from({ length: rows * cols }, () => draw() * (options.scale ?? 0.02)),
  };
}

function squaredError(matrix: Matrix, out: Float32Array): number {
  return matrix.data.reduce((sum, value, i) => sum + (value - out[i]!) ** 2, 0);
}

Deno.test("quantize() gives every format finite values of the right shape, for group sizes that divide and do not", () => {
  for (const format of formats.values()) {
    for (
      const [cols, groupSize] of [[1, 128], [7, 32], [96, 64], [100, 32], [130, "row"], [256, 128]] as const
    ) {
      const matrix = randomMatrix(3, cols);
      const packed = quantize(matrix, { format, groupSize });
      const out = dequantize(packed);
      assertEquals(out.length, 3 * cols);
      assert(out.every(Number.isFinite), `${format.name} ${cols}/${groupSize}`);
      if (groupSize === "row" && !format.scaling.fixedGroupSize) assertEquals(packed.groupSize, cols);
    }
  }
});

Deno.test("asymmetric integers stay within half a step of every weight", () => {
  const matrix = randomMatrix(8, 300);
  for (const [format, bits] of [["int2", 2], ["int3", 3], ["int4", 4], ["int8", 8]] as const) {
    const packed = quantize(matrix, { format, groupSize: 64, scaleType: "f32" });
    const out = dequantize(packed);
    assertEquals(packed.bits, bits);
    matrix.data.forEach((value, i) => {
      const [row, col] = [Math.floor(i / 300), i % 300];
      const step = packed.scales[row * 5 + Math.floor(col / 64)]!;
      assertLessOrEqual(Math.abs(value - out[i]!), step * 0.5001, `${format} ${i}`);
    });
  }
});

Deno.test("a learned table never has more squared error than integers of as many bits", () => {
  const matrix = randomMatrix(16, 512);
  for (const bits of [2, 3, 4]) {
    const learned = dequantize(quantize(matrix, { format: `any${bits}`, scaleType: "f32" }));
    const fixed = dequantize(quantize(matrix, { format: `int${bits}`, scaleType: "f32" }));
    assertLessOrEqual(squaredError(matrix, learned), squaredError(matrix, fixed));
  }
});

Deno.test("a table for each row beats one for the matrix, which takes less space", () => {
  const matrix = randomMatrix(32, 256);
  const row = quantize(matrix, { format: "any3", codebook: "row" });
  const whole = quantize(matrix, { format: "any3", codebook: "matrix" });
  assertEquals([row.codebook.length, whole.codebook.length], [32 * 8, 8]);
  assert(squaredError(matrix, dequantize(row)) < squaredError(matrix, dequantize(whole)));
  assert(packedBitsPerWeight(row) > packedBitsPerWeight(whole));
});

Deno.test("bits per weight counts codes, scales, zeros and codebooks", () => {
  const matrix = randomMatrix(4, 256);
  const bits = (format: string, groupSize = 128) =>
    packedBitsPerWeight(quantize(matrix, { format, groupSize }));
  assertEquals(bits("int4"), 4 + 32 / 128);
  assertEquals(bits("nf4", 64), 4 + 16 / 64);
  assertEquals(bits("mx4", 128), 4 + 8 / 32); // mx4 keeps its groups of 32
  assertEquals(bits("any4"), 4 + 32 / 128 + 16 * 16 / 256);
  assertEquals(bits("any2"), 2 + 32 / 128 + 4 * 16 / 256);
});

Deno.test("columns that matter more get less error", () => {
  const matrix = randomMatrix(4, 256);
  const columnWeights = Float64Array.from({ length: 256 }, (_, c) => c < 32 ? 1000 : 1);
  const error = (out: Float32Array) =>
    matrix.data.reduce((sum, value, i) => sum + (i % 256 < 32 ? (value - out[i]!) ** 2 : 0), 0);
  const weighted = dequantize(quantize(matrix, { format: "any3", stats: statsOf(columnWeights) }));
  assert(error(weighted) < 0.5 * error(dequantize(quantize(matrix, { format: "any3" }))));
});

Deno.test("all-equal rows, all-zero rows and few distinct values come back right", () => {
  for (const format of ["any4", "any3", "any2", "int4", "int2"]) {
    for (const value of [0, 5, -0.1, 1e-8, 12345.678]) {
      const data = new Float32Array(2 * 40).fill(value);
      const out = dequantize(quantize({ rows: 2, cols: 40, data }, { format, groupSize: 32 }));
      out.forEach((got) => assertAlmostEquals(got, data[0]!, Math.abs(value) * 1e-6 + 1e-6, format));
    }
    const two = Float32Array.from({ length: 64 }, (_, i) => i % 2);
    const again = dequantize(quantize({ rows: 1, cols: 64, data: two }, { format }));
    two.forEach((value, i) => assertAlmostEquals(again[i]!, value, 5e-4, format));
  }
  for (const format of ["nf4", "fp4", "af4", "mx4", "int4sym"]) {
    const zeros = new Float32Array(64);
    assert(
      dequantize(quantize({ rows: 1, cols: 64, data: zeros }, { format })).every((value) => value === 0),
      format,
    );
  }
});

Deno.test("column weights of zero are as good as none", () => {
  const matrix = randomMatrix(2, 64);
  const out = dequantize(quantize(matrix, { format: "any2", stats: statsOf(new Float64Array(64)) }));
  assert(out.every(Number.isFinite));
  assert(squaredError(matrix, out) < 0.5 * matrix.data.reduce((sum, value) => sum + value * value, 0));
});

Deno.test("mx4 rounds ties to the even mantissa and saturates", () => {
  const data = new Float32Array(32);
  data.set([7.9, 0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5, -0.25, -5, -7.9]);
  const out = dequantize(quantize({ rows: 1, cols: 32, data }, { format: "mx4" }));
  assertEquals([...out.slice(0, 11)].map((value) => value + 0), [6, 0, 1, 1, 2, 2, 4, 4, 0, -4, -6]);
});

Deno.test("very small and very large weights fall back to single-precision scales", () => {
  for (const scale of [1e-9, 1e9]) {
    const matrix = randomMatrix(2, 64, { scale });
    const packed = quantize(matrix, { format: "nf4", groupSize: 32 });
    assertEquals(packed.scaleType, "f32");
    const norm = matrix.data.reduce((sum, value) => sum + value * value, 0);
    assert(squaredError(matrix, dequantize(packed)) < 0.05 * norm);
  }
  assertEquals(quantize(randomMatrix(2, 64), { format: "nf4" }).scaleType, "f16");
});

Deno.test("quantize() throws on NaN and infinity and names tensor, row and column", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const matrix = randomMatrix(3, 10);
    matrix.data[17] = bad;
    const error = assertThrows(
      () => quantize(matrix, { format: "any4", name: "a.weight" }),
      TensorError,
      "a.weight",
    );
    assert(error.message.includes("row 1, column 7"), error.message);
  }
});

Deno.test("quantize() throws on sizes, group sizes and column weights that make no sense", () => {
  const matrix = randomMatrix(2, 8);
  assertThrows(() => quantize({ ...matrix, rows: 3 }, { format: "any4" }), TensorError);
  for (const groupSize of [0, -1, 1.5, NaN]) {
    assertThrows(() => quantize(matrix, { format: "any4", groupSize }), OptionError, "group size");
  }
  const weighed = (...weights: number[]) => quantize(matrix, { format: "any4", stats: statsOf(weights) });
  assertThrows(() => weighed(1), OptionError, "column weights");
  assertThrows(() => weighed(1, 1, 1, -1, 1, 1, 1, 1), OptionError, "column weight 3");
});
