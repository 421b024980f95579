import { assertAlmostEquals, assertEquals } from "@std/assert";
import { increasePlace } from "../../lib/show/increase_scale.ts";
import { kindsPlot } from "../../lib/show/kinds_plot.ts";
import { report, row } from "./sample_report.ts";

const { baseline } = report;

Deno.test("the plot of kinds has a point for each format on each kind that was measured", () => {
  const some = [row("any4", 4.5, 3.1), { ...row("int4", 4.25, 3.2), kinds: { code: 3.3 } }];
  const { data } = kindsPlot(some, { baseline });
  assertEquals(data.map(({ x }) => x.map((place) => Math.abs(Math.round(place)))), [[0, 1], [1]]);
  assertAlmostEquals(data[1]!.y[0]!, increasePlace(3.3 / baseline.kinds.code!), 1e-12);
});
