import { assert, assertEquals } from "@std/assert";
import { Random } from "../lib/random.ts";

const draw = (seed: number, count: number) => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.next());
};

Deno.test("a seed gives the same numbers, another one others; its lowest 32 bits count", () => {
  assertEquals(draw(1, 5), draw(1, 5));
  assertEquals(draw(1, 5), draw(1 + 2 ** 32, 5));
  assertEquals(new Set([...draw(1, 5), ...draw(2, 5), ...draw(0, 5)]).size, 15);
});

Deno.test("numbers lie evenly in [0, 1), and whole ones below their bound", () => {
  const numbers = draw(7, 40_000);
  assert(numbers.every((value) => value >= 0 && value < 1));
  const tenths = Array.from(
    Map.groupBy(numbers, (value) => Math.floor(10 * value)).values(),
    ({ length }) => length,
  );
  assertEquals(tenths.length, 10);
  // Five standard deviations.
  for (const count of tenths) assert(Math.abs(count - 4000) < 300, `${tenths}`);
  const random = new Random(7);
  assertEquals(new Set(Array.from({ length: 500 }, () => random.integer(6))), new Set([0, 1, 2, 3, 4, 5]));
});

Deno.test("normal numbers have mean 0, variance 1, and as many beyond 2 as they should", () => {
  const random = new Random(5);
  const numbers = Array.from({ length: 40_000 }, () => random.normal());
  const mean = (of: (value: number) => number) =>
    numbers.reduce((sum, value) => sum + of(value), 0) / numbers.length;
  assert(Math.abs(mean((value) => value)) < 0.03);
  assert(Math.abs(mean((value) => value ** 2) - 1) < 0.05);
  assert(Math.abs(mean((value) => value ** 3)) < 0.1);
  assert(Math.abs(mean((value) => Math.abs(value) > 2 ? 1 : 0) - 0.0455) < 0.006);
});
