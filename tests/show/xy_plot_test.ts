import { assert, assertEquals } from "@std/assert";
import { lineChart } from "../../lib/show/xy_plot.ts";

Deno.test("a line on logarithmic axes leaves out what has no logarithm", () => {
  const { data, layout } = lineChart([{ name: "a", x: [1, 10, 100], y: [0.1, 0, 10] }], { log: "xy" });
  assertEquals(data[0]!.y, [0.1, null, 10]);
  assert(layout.yaxis.range[0] < -1 && layout.yaxis.range[0] > -1.5);
});
