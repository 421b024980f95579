import { assert, assertEquals } from "@std/assert";
import { display } from "../../lib/display.ts";
import { barChart } from "../../lib/show/bar_chart.ts";
import { neutralColor } from "../../lib/show/palette.ts";
import { paretoPlot } from "../../lib/show/pareto_plot.ts";
import { lineChart } from "../../lib/show/xy_plot.ts";
import { report, rows } from "./sample_report.ts";

const { baseline } = report;

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

Deno.test("labels of many bars stand upright, as small as a narrow page wants, and some are left out", () => {
  const axis = (bars: number, width?: number) => {
    const things = Array.from({ length: bars }, (_, i) => `${i}.down_proj`);
    return barChart(things, [{ name: "error", values: things.map(() => 1) }], { width }).layout.xaxis;
  };
  const [few, many, most] = [axis(7), axis(28), axis(70)];
  assertEquals([few.tickangle, few.tickfont], [-60, undefined]);
  assertEquals([many.tickangle, many.tickfont], [-90, { size: 9 }]);
  assertEquals(many.ticktext.filter((label) => label !== "").length, 28);
  assertEquals(most.ticktext.slice(0, 4), ["0.down_proj", "", "", "3.down_proj"]);
  // A page that says how wide it is has more room.
  assertEquals(axis(28, 800).tickfont, undefined);
});

Deno.test("numbers below an axis stay apart and level, and a long title takes two lines, for which there is room", () => {
  const chart = (ticks: number[], x: string) =>
    lineChart([{ name: "a", x: [64, 16384], y: [1, 2] }], { log: "x", ticks, x }).layout;
  const [short, long] = [
    chart([64, 16384], "columns"),
    chart([64, 128, 4096, 8192, 16384], "bits per weight: codes, scales, zeros and tables"),
  ];
  assertEquals([long.xaxis.tickangle, long.xaxis.ticktext], [0, ["64", "128", "4,096", "", "16,384"]]);
  assertEquals(long.xaxis.title!.text, "bits per weight: codes,<br>scales, zeros and tables");
  assertEquals([long.height - short.height, long.margin.b - short.margin.b], [18, 18]);
});

Deno.test("a notebook's picture has no background, and ink for light pages and dark ones", () => {
  const svg = paretoPlot(rows, { baseline })[display]()["image/svg+xml"]!;
  assert(svg.includes(`color:${neutralColor}`));
  assertEquals(/<rect [^>]*fill="#fff/.test(svg), false);
  assertEquals(svg.includes('fill-opacity="0.75"'), false);
});
