import { assert, assertEquals } from "@std/assert";
import { axisFor, extent, logTicks, roundTicks } from "../../lib/show/ticks.ts";

Deno.test("the extent leaves out what is not finite, and is never empty", () => {
  assertEquals(extent([[3, null, NaN], [Infinity, -2]]), [-2, 3]);
  assertEquals([extent([[5]]), extent([]), extent([[NaN]])], [[4, 6], [-1, 1], [-1, 1]]);
});

Deno.test("ticks are round, within the range, and as many as there is room for", () => {
  assertEquals(roundTicks([0, 10], 5), [0, 2, 4, 6, 8, 10]);
  assertEquals(roundTicks([-0.13, 0.31], 5), [-0.1, 0, 0.1, 0.2, 0.3]);
  assertEquals(logTicks([0.5, 60], 5), [1, 3, 10, 30]);
  assertEquals(logTicks([0.5, 60], 8), [0.5, 1, 2, 5, 10, 20, 50]);
  assert(logTicks([1e-15, 1e15], 6).length <= 6);
});

Deno.test("an axis has room at both ends, but none below a zero that all stands on", () => {
  const axis = axisFor([[0, 100]], { most: 5, title: "a" });
  assertEquals([axis.range, axis.title], [[-4, 104], { text: "a" }]);
  assertEquals(axisFor([[20, 100]], { most: 5, zero: true }).range, [0, 104]);
  assertEquals(axisFor([[-100, -20]], { most: 5, zero: true }).range, [-104, 0]);
  assertEquals(axisFor([[20, 100]], { most: 5, range: [0, 50] }).range, [0, 50]);
});

Deno.test("a logarithmic axis has logarithms as range and leaves out what has none", () => {
  const { type, range, tickvals, ticktext } = axisFor([[-5, 0, 1, 1000, 10_000_000]], { most: 9, log: true });
  assertEquals([type, range.map((end) => Math.round(100 * end) / 100)], ["log", [-0.28, 7.28]]);
  assertEquals([tickvals[0], ticktext.at(-1)], [1, "1e7"]);
});
