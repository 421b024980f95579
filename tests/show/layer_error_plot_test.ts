import { assertEquals } from "@std/assert";
import { layerErrorPlot } from "../../lib/show/layer_error_plot.ts";
import { report } from "./sample_report.ts";

const { layers } = report;

Deno.test("the plot of layer errors leaves gaps where a logarithm does not exist", () => {
  const { data, layout } = layerErrorPlot(layers.names, layers.series);
  assertEquals(data.map(({ y }) => y), [[0.05, 0.07], [null, null]]);
  assertEquals(layout.xaxis.ticktext, ["0.q_proj", "1.up_proj"]);
});
