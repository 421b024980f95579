import { assert, assertEquals } from "@std/assert";
import { lineChart } from "../../lib/show/xy_plot.ts";

Deno.test("a line on logarithmic axes leaves out what has no logarithm", () => {
  const { data, layout } = lineChart([{ name: "a", x: [1, 10, 100], y: [0.1, 0, 10] }], { log: "xy" });
  assertEquals(data[0]!.y, [0.1, null, 10]);
  assert(layout.yaxis.range[0] < -1 && layout.yaxis.range[0] > -1.5);
});

Deno.test("on a logarithmic axis a level's line is at its value, as plotly wants lines, and its name at the logarithm, as labels", () => {
  const series = [{ name: "a", x: [1, 2], y: [1, 1000] }];
  const { layout } = lineChart(series, { log: "y", level: { y: 100, name: "of old" } });
  assertEquals([layout.shapes![0]!.y0, layout.shapes![0]!.y1, layout.annotations![0]!.y], [100, 100, 2]);
});
