import { assertEquals } from "@std/assert";
import { Nearest } from "../../lib/learn/nearest.ts";
import { Random } from "../../lib/random.ts";

function nearest(...values: number[]): (x: number) => number {
  const found = new Nearest(values.length + 2);
  // Values around them are none of its own.
  found.load(Float32Array.of(0, ...values, 0), 1, values.length);
  return (x) => found.code(x);
}

Deno.test("the code is that of the nearest value, of values in any order", () => {
  const random = new Random(3);
  for (let round = 0; round < 50; round++) {
    const values = Array.from({ length: 1 + random.integer(16) }, () => Math.fround(random.normal()));
    const code = nearest(...values);
    for (let i = 0; i < 50; i++) {
      const x = 2 * random.normal();
      const least = Math.min(...values.map((value) => Math.abs(value - x)));
      assertEquals(Math.abs(values[code(x)]! - x), least);
    }
  }
});

Deno.test("a tie goes to the even code, and of equal values the first is used", () => {
  const code = nearest(0, 1, 2, 3);
  assertEquals([0.5, 1.5, 2.5].map(code), [0, 2, 2]);
  assertEquals([-9, 9, NaN].map(code), [0, 3, 0]);
  const twice = nearest(5, 1, 5, 1);
  assertEquals([1, 5, 2.9, 3.1].map(twice), [1, 0, 1, 0]);
});
