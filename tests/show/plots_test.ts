import { assert, assertAlmostEquals, assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { display } from "../../lib/display.ts";
import { histogramPlot } from "../../lib/show/histogram_plot.ts";
import { increasePlace, increaseText, increaseTicks } from "../../lib/show/increase_scale.ts";
import { kindsPlot } from "../../lib/show/kinds_plot.ts";
import { layerErrorPlot } from "../../lib/show/layer_error_plot.ts";
import { formatStyle, neutralColor } from "../../lib/show/palette.ts";
import { paretoFront, paretoPlot } from "../../lib/show/pareto_plot.ts";
import { report, row, rows } from "./sample_report.ts";

const { baseline, histogram, layers } = report;

Deno.test("paretoFront() keeps exactly what no other point beats", () => {
  for (let run = 0; run < 200; run++) {
    // A coarse grid, so that points tie in one cost or in both.
    const points = Array.from({ length: 1 + run % 12 }, () => ({
      bitsPerWeight: Math.floor(6 * Math.random()),
      perplexity: Math.random() < 0.1 ? NaN : Math.floor(6 * Math.random()),
    }));
    const beaten = (p: typeof points[0]) =>
      points.some((q) =>
        q.bitsPerWeight <= p.bitsPerWeight && q.perplexity <= p.perplexity &&
        (q.bitsPerWeight < p.bitsPerWeight || q.perplexity < p.perplexity)
      );
    const expected = points.filter((p, i) =>
      Number.isFinite(p.perplexity) && !beaten(p) &&
      !points.slice(0, i).some((q) => q.bitsPerWeight === p.bitsPerWeight && q.perplexity === p.perplexity)
    ).sort((a, b) => a.bitsPerWeight - b.bitsPerWeight);
    assertEquals(paretoFront(points), expected);
  }
});

Deno.test("the Pareto plot has every format at its bits, inside the axes, and joins the front", () => {
  const { data, layout } = paretoPlot(rows, { baseline });
  const [line, fixed, learned] = data;
  assertEquals(line!.x, paretoFront(rows).map(({ bitsPerWeight }) => bitsPerWeight));
  assertEquals(
    [...fixed!.x, ...learned!.x].sort(),
    rows.map(({ bitsPerWeight }) => bitsPerWeight).sort(),
  );
  assertEquals(learned!.x.length, 3);
  for (const { x, y } of data) {
    for (const [i, value] of x.entries()) {
      assertLess(layout.xaxis.range[0], Math.log10(value));
      assertLess(Math.log10(value), layout.xaxis.range[1]);
      assertLess(layout.yaxis.range[0], y[i]!);
      assertLess(y[i]!, layout.yaxis.range[1]);
    }
  }
  assertEquals(layout.annotations!.length, rows.length);
  // int2's perplexity is beyond the scale: its label says so.
  assert(layout.annotations!.some(({ text }) => /^int2 ×23,745 ↑$/.test(text)));
});

Deno.test("a format that fails does not flatten the others in the Pareto plot", () => {
  const { data, layout } = paretoPlot(rows, { baseline });
  const [low, high] = layout.yaxis.range;
  const places = data[2]!.y as number[];
  assertLess(0.15, (Math.max(...places) - Math.min(...places)) / (high - low));
});

Deno.test("the scale of increases rises, is odd around the original and has a place for everything", () => {
  const ratios = [0.5, 0.99, 0.9999, 1, 1.0001, 1.01, 1.5, 2, 50, 999];
  for (let i = 1; i < ratios.length; i++) {
    assertLess(increasePlace(ratios[i - 1]!), increasePlace(ratios[i]!));
  }
  assertEquals(increasePlace(1), 0);
  assertAlmostEquals(increasePlace(1.25), -increasePlace(0.75), 1e-12);
  for (const bad of [NaN, Infinity, 1e9]) assertEquals(increasePlace(bad), increasePlace(1000));
  assertEquals(["×3.12", "×∞", "×∞"], [3.12, NaN, Infinity].map(increaseText));
});

Deno.test("ticks of increases hold the original and keep apart", () => {
  const ticks = increaseTicks([increasePlace(0.98), increasePlace(300)], 0.8);
  assert(ticks.includes(1) && ticks.some((ratio) => ratio < 1) && ticks.some((ratio) => ratio > 10));
  for (let i = 1; i < ticks.length; i++) {
    assertGreaterOrEqual(increasePlace(ticks[i]!) - increasePlace(ticks[i - 1]!), 0.8);
  }
});

Deno.test("the plot of kinds has a point for each format on each kind that was measured", () => {
  const some = [row("any4", 4.5, 3.1), { ...row("int4", 4.25, 3.2), kinds: { code: 3.3 } }];
  const { data } = kindsPlot(some, { baseline });
  assertEquals(data.map(({ x }) => x.map((place) => Math.abs(Math.round(place)))), [[0, 1], [1]]);
  assertAlmostEquals(data[1]!.y[0]!, increasePlace(3.3 / baseline.kinds.code!), 1e-12);
});

Deno.test("the plot of layer errors leaves gaps where a logarithm does not exist", () => {
  const { data, layout } = layerErrorPlot(layers.names, layers.series);
  assertEquals(data.map(({ y }) => y), [[0.05, 0.07], [null, null]]);
  assertEquals(layout.xaxis.ticktext, ["0.q_proj", "1.up_proj"]);
});

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

Deno.test("a figure is plain data that a notebook shows with and without plotly", () => {
  const figure = paretoPlot(rows, { baseline });
  assertEquals(Object.keys(figure), ["data", "layout"]);
  const shown = figure[display]();
  const { data, layout } = shown["application/vnd.plotly.v1+json"] as typeof figure;
  assertEquals(JSON.stringify({ data, layout }), JSON.stringify(figure));
  assert(shown["image/svg+xml"]!.startsWith("<svg "));
  // HTML would be shown before either where plotly is missing, and web pages take drawings out of it.
  assertEquals(Object.keys(shown).includes("text/html"), false);
});

Deno.test("every colour of a format has 3:1 against the light and the dark page", () => {
  const luminance = (hex: string) => {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const colors = ["any4", "int4", "nf4", "fp4", "af4", "mx4"].map((name) => formatStyle(name).color);
  assertEquals(new Set(colors).size, 6);
  for (const color of [...colors, neutralColor]) {
    for (const page of ["#ffffff", "#14171a"]) {
      const [low, high] = [luminance(color), luminance(page)].sort((a, b) => a - b);
      assertGreaterOrEqual((high! + 0.05) / (low! + 0.05), 3, `${color} on ${page}`);
    }
  }
});
