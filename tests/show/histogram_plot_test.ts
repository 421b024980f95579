import { assert, assertEquals } from "@std/assert";
import { histogramPlot } from "../../lib/show/histogram_plot.ts";
import { report } from "./sample_report.ts";

const { histogram } = report;

Deno.test("the histogram counts every finite weight once and shows each format's values", () => {
  const weights = [...Array.from({ length: 500 }, () => Math.random() - 0.5), NaN, Infinity];
  const { data } = histogramPlot(weights, histogram.formats);
  assertEquals((data[0]!.y as number[]).reduce((sum, count) => sum + count, 0), 500);
  assertEquals(data.slice(1).map(({ x }) => x), [[-1, -0.5, 0, 0.5], [0.25]]);
  for (const odd of [[], [0, 0], [NaN]]) {
    const { range } = histogramPlot(odd, []).layout.xaxis;
    assert(Number.isFinite(range[0]) && range[0] < range[1]);
  }
});

Deno.test("a histogram of other things than weights says what they are", () => {
  const { data, layout } = histogramPlot([1, 2, 2, 4], [], { title: "a < b", x: "excess", y: "runs" });
  assertEquals([layout.title?.text, layout.xaxis.title?.text, layout.yaxis.title?.text], [
    "a &lt; b",
    "excess",
    "runs",
  ]);
  assertEquals(data.map(({ name }) => name), ["runs"]);
});
