import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Adam } from "../../lib/tune/adam.ts";

Deno.test("step() goes a part of the values' size against the sign of the first gradient, whatever its size", () => {
  const values = Float32Array.of(3, -4, 5);
  const size = Math.sqrt((9 + 16 + 25) / 3);
  new Adam([{ values, gradient: Float64Array.of(1e-9, -1e6, 0) }]).step(0.1);
  assertAlmostEquals(values[0]!, 3 - 0.1 * size, 1e-5);
  assertAlmostEquals(values[1]!, -4 + 0.1 * size, 1e-5);
  assertEquals(values[2], 5);
});

Deno.test("step() gives PyTorch's numbers", () => {
  // torch.optim.Adam([torch.tensor([1.0, 1.0])], lr=0.1, eps=0), gradients as below.
  const values = Float32Array.of(1, 1);
  const gradient = new Float64Array(2);
  const adam = new Adam([{ values, gradient }]);
  for (const g of [[1, -2], [3, 0.5], [-1, 4]]) {
    gradient.set(g);
    adam.step(0.1);
  }
  assertAlmostEquals(values[0]!, 0.759852703, 1e-6);
  assertAlmostEquals(values[1]!, 1.106764357, 1e-6);
});
