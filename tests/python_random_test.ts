import { assertEquals } from "@std/assert";
// Of CPython 3.11: random.Random(1234), then sample(range(1000), 5) and so on.
import { PythonRandom } from "../lib/python_random.ts";

Deno.test("PythonRandom draws what CPython's random draws", () => {
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  const random = new PythonRandom(1234);
  assertEquals(random.sample(range(1000), 5), [989, 796, 451, 119, 7]);
  assertEquals(random.sample(range(10), 4), [1, 0, 9, 8]);
  assertEquals(random.sample(range(7473), 6), [6279, 2905, 1939, 142, 252, 6461]);
  assertEquals(random.integer(0, 2 ** 31), 68034096);
});
