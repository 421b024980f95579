import { assert, assertEquals } from "@std/assert";
import { barChart } from "../../lib/show/bar_chart.ts";

Deno.test("bars of formats have their colours, gaps where nothing was measured, and stand below zero too", () => {
  const { data, layout } = barChart(["any4", "int4", "any2"], [{ name: "error", values: [-1, NaN, 2] }]);
  assertEquals(data.map(({ x, y }) => [x, y]), [[[0, 2], [-1, 2]], [[1], [null]]]);
  assert(data[0]!.marker!.color !== data[1]!.marker!.color);
  assert(layout.yaxis.range[0] < -1 && layout.yaxis.range[1] > 2);
});
