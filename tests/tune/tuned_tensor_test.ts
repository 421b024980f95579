import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { quantize, type QuantizeOptions } from "../../lib/learn/quantize.ts";
import { dequantize } from "../../lib/matrix/packed_matrix.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { TunedLinear, TunedVector } from "../../lib/tune/tuned_tensor.ts";

const random = new Random(9);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

const [rows, cols] = [5, 50];
const data = normal(rows * cols);
const ways: QuantizeOptions[] = [
  { format: "any2", groupSize: 16 },
  { format: "any3", groupSize: "row", codebook: "matrix", outliers: 0.02 },
  { format: "any4", groupSize: 8, scaleType: "int8", codebookType: "int8" },
  { format: "any3", groupSize: 25, codebook: "2-rows" },
  { format: "any2", groupSize: 10, codebook: "2-tables" },
  { format: "nf4", groupSize: 7, scaleType: "f32" },
  { format: "mx4" },
];

for (const options of ways) {
  const packed = quantize({ rows, cols, data }, options);
  const name = Object.values(options).join(" ");

  Deno.test(`a tuned matrix begins as the one it is made of: ${name}`, () => {
    const tuned = new TunedLinear(packed);
    assertEquals(relativeError(tuned.values(), dequantize(packed)), 0);
    assertEquals(tuned.rounded(), packed);
  });

  Deno.test(`a tuned matrix's gradients are those of finite differences: ${name}`, () => {
    const tuned = new TunedLinear(packed);
    const g = normal(rows * cols);
    const loss = () => tuned.values().reduce((sum, value, at) => sum + value * g[at]!, 0);
    tuned.pull(g);
    for (const { values, gradient } of tuned.parameters) {
      const size = Math.hypot(...gradient);
      for (let at = 0; at < values.length; at += 3) {
        const kept = values[at]!;
        const [low, high] = [Math.fround(kept - 0.01), Math.fround(kept + 0.01)];
        values[at] = high;
        const above = loss();
        values[at] = low;
        const below = loss();
        values[at] = kept;
        assertAlmostEquals(gradient[at]!, (above - below) / (high - low), 1e-3 * size);
      }
    }
  });

  Deno.test(`a tuned matrix is rounded to the types it is stored in: ${name}`, () => {
    const tuned = new TunedLinear(packed);
    for (const { values } of tuned.parameters) for (const at of values.keys()) values[at]! *= 1.0123;
    const once = tuned.rounded();
    // A matrix that is rounded already is no other when it is rounded again.
    assertEquals(new TunedLinear(once).rounded(), once);
    assertLess(relativeError(dequantize(once), tuned.values()), 0.02);
    assertEquals([once.codes, once.scaleType, once.codebookType], [
      packed.codes,
      packed.scaleType,
      packed.codebookType,
    ]);
  });
}

Deno.test("codes that are tuned begin as they are, also those that are not the nearest", () => {
  const packed = quantize({ rows, cols, data }, { format: "any2", groupSize: 16 });
  packed.codes[0]! ^= 3;
  const tuned = new TunedLinear(packed, data);
  assertEquals(relativeError(tuned.values(), dequantize(packed)), 0);
  assertEquals(tuned.rounded(), packed);
});

Deno.test("codes that are tuned follow the weights that they are rounded from", () => {
  const packed = quantize({ rows, cols, data }, { format: "any2", groupSize: 16 });
  const tuned = new TunedLinear(packed, data);
  const latent = tuned.parameters.at(-1)!;
  tuned.pull(data);
  assertEquals(latent.gradient, data);
  latent.values.fill(-100);
  const least = tuned.values();
  assertEquals(dequantize(tuned.rounded()), least);
  const { scales, zeros, codebook } = packed;
  assertAlmostEquals(least[0]!, scales[0]! * Math.min(...codebook.subarray(0, 4)) + zeros![0]!, 1e-6);
});

Deno.test("a norm is tuned around what the decoder adds to it, and keeps its type", () => {
  const norm = new TunedVector({ rows: 1, cols: 2, data: Float32Array.of(0.5, -0.25), dtype: "BF16" }, 1);
  assertEquals(norm.parameters[0].values, Float32Array.of(1.5, 0.75));
  assertEquals(norm.values(), Float32Array.of(0.5, -0.25));
  norm.parameters[0].values[0] = 1.501;
  assertEquals(norm.rounded(), { rows: 1, cols: 2, data: Float32Array.of(0.5, -0.25), dtype: "BF16" });
});
