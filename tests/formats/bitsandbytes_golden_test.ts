import { assertAlmostEquals, assertEquals } from "@std/assert";
import { af4Values } from "../../lib/formats/af4.ts";
import { FP4_VALUES } from "../../lib/formats/fp4.ts";
import { NF4_VALUES } from "../../lib/formats/nf4.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import { dequantize } from "../../lib/matrix/packed_matrix.ts";
import golden from "../golden/bitsandbytes.json" with { type: "json" };
import { Lcg } from "../golden/lcg.ts";

const { rows, cols, groupSize, seed, tables, dequantized } = golden;
const matrix = { rows, cols, data: new Lcg(seed).bell(rows * cols) };

Deno.test("nf4's values are those of bitsandbytes", () => {
  assertEquals(Array.from(NF4_VALUES), tables.nf4);
});

Deno.test("fp4's values are those of bitsandbytes, code by code", () => {
  // Adding 0 turns the −0 of code 8 into 0.
  assertEquals(Array.from(FP4_VALUES, (value) => value + 0), tables.fp4);
});

Deno.test("af4's values for groups of 64 are those of bitsandbytes", () => {
  tables.af4.toReversed().forEach((value, i) => assertAlmostEquals(af4Values(64)[i]!, value, 5e-5));
});

for (const name of ["nf4", "fp4"] as const) {
  Deno.test(`a matrix quantized to ${name} is what bitsandbytes makes of it`, () => {
    const ours = dequantize(quantize(matrix, { format: name, groupSize, scaleType: "f32" }));
    dequantized[name].forEach((value, i) => {
      assertAlmostEquals(ours[i]!, value, 2 ** -22 * Math.abs(value), `value ${i}`);
    });
  });
}
