import { assert, assertEquals, assertLess } from "@std/assert";
import { fromBytes, toBytes } from "../../lib/matrix/byte_scales.ts";
import { Random } from "../../lib/random.ts";

Deno.test("numbers that were rounded to bytes have the same bytes again, whatever their size and sign", () => {
  const random = new Random(8);
  for (const signed of [false, true]) {
    for (const groups of [1, 7, 8, 20]) {
      const shape = { rows: 30, groups, signed };
      const numbers = Float32Array.from(
        { length: 30 * groups },
        (_, i) => (signed ? random.normal() : random.next()) * 10 ** (Math.floor(i / groups) - 20),
      );
      const bytes = toBytes(numbers, shape);
      const rounded = fromBytes(bytes, shape);
      assertEquals(toBytes(rounded, shape), bytes);
      for (let from = 0; from < numbers.length; from++) {
        const row = Math.floor(from / groups);
        const first = row * groups + Math.floor(from % groups / 8) * 8;
        const of = numbers.subarray(first, Math.min(first + 8, (row + 1) * groups));
        const largest = of.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const steps = Math.abs(rounded[from]! - numbers[from]!) / largest;
        // Scales below half of a step are one step.
        assertLess(steps, signed ? 1 / 127 + 1e-9 : 1 / 127.5 + 1e-9);
      }
    }
  }
});

Deno.test("a scale that is not 0 stays so, zeros stay 0, and halves hold what lies in their range", () => {
  const shape = { rows: 1, groups: 3, signed: false };
  const rounded = fromBytes(toBytes(Float32Array.of(1, 1e-9, 0), shape), shape);
  assertEquals([...rounded], [1, 1 / 128, 0]);
  assertEquals([...fromBytes(toBytes(new Float32Array(3), shape), shape)], [0, 0, 0]);
  const halves = fromBytes(toBytes(Float32Array.of(0.013, 0.011, 0.001), shape), shape);
  assert(halves.every((value) => Math.f16round(value) === value));
});

Deno.test("the largest of 8 groups is off by at most 1/256", () => {
  const shape = { rows: 1, groups: 1, signed: false };
  for (let x = 0.001; x < 3; x *= 1.003) {
    assertLess(Math.abs(fromBytes(toBytes(Float32Array.of(x), shape), shape)[0]! / x - 1), 1 / 255);
  }
});
