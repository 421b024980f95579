import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { lineChart } from "../../lib/show/xy_plot.ts";

Deno.test("a line on logarithmic axes leaves out what has no logarithm", () => {
  const { data, layout } = lineChart([{ name: "a", x: [1, 10, 100], y: [0.1, 0, 10] }], { log: "xy" });
  assertEquals(data[0]!.y, [0.1, null, 10]);
  assert(layout.yaxis.range[0] < -1 && layout.yaxis.range[0] > -1.5);
});

Deno.test("a level's line goes from end to end of logarithmic axes and has its name in the legend", () => {
  const series = [{ name: "a", x: [1, 100], y: [1, 1000] }];
  const { data, layout } = lineChart(series, { log: "xy", level: { y: 100, name: "of old" } });
  const { name, x, y, showlegend } = data[1]!;
  assertEquals([name, y, showlegend], ["of old", [100, 100], undefined]);
  for (const i of [0, 1]) assertAlmostEquals(Math.log10(x[i]!), layout.xaxis.range[i]!, 1e-12);
});
