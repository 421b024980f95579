import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { quantize } from "any4";
import { OptionError } from "../../lib/errors.ts";
import { dequantize } from "../../lib/matrix/packed_matrix.ts";
import { denseWeights, noiseToSignal } from "../../lib/quantize/quantize_linear.ts";

/** More rows than are compared at a time. */
const weights = { rows: 70, cols: 8, data: Float32Array.from({ length: 560 }, (_, i) => Math.sin(i * i)) };
const packed = quantize(weights, { format: "int2", groupSize: 8 });

Deno.test("noise to signal is the expected squared error over the expected square, both weighted by E[x²]", () => {
  const meanSquare = Float64Array.from({ length: 8 }, (_, c) => 10 ** c);
  for (const importance of [undefined, meanSquare]) {
    const restored = dequantize(packed);
    let [error, signal] = [0, 0];
    weights.data.forEach((value, i) => {
      const weight = importance?.[i % 8] ?? 1;
      error += weight * (value - restored[i]!) ** 2;
      signal += weight * value ** 2;
    });
    assertAlmostEquals(noiseToSignal(weights, packed, importance), error / signal, 1e-12);
  }
});

Deno.test("weights of 0 have no noise", () => {
  const zeros = { rows: 1, cols: 8, data: new Float32Array(8) };
  assertEquals(noiseToSignal(zeros, quantize(zeros, { format: "int4" })), 0);
});

Deno.test("a packed matrix is not quantized again", () => {
  assertThrows(
    () => denseWeights(packed, "a.q_proj"),
    OptionError,
    "Cannot quantize a.q_proj: it is int2 already",
  );
  assertEquals(denseWeights(weights, "a.q_proj").data, weights.data);
});
