import { assert, assertEquals } from "@std/assert";
import { display } from "../../lib/display.ts";
import { paretoPlot } from "../../lib/show/pareto_plot.ts";
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
