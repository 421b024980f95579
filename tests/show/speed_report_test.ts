import { plotly } from "../../lib/show/plotly.ts";
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import {
  type LinearSpeedRow,
  type ModelSpeedRow,
  speedHtml,
  type SpeedReport,
  speedText,
  speedupPlot,
  throughputPlot,
  tokensPlot,
} from "any4/show";
import { figureSvg } from "../../lib/show/figure_svg.ts";
import { HOSTILE } from "./sample_report.ts";

const formats = ["f16", "any4", "any3", "int4"];
const linears = [1024, 4096].flatMap((size) =>
  [1, 128].flatMap((tokens) =>
    formats.map((format, i): LinearSpeedRow => ({
      format,
      rows: size,
      cols: size,
      tokens,
      seconds: 1e-9 * size ** 2 / (i + 1),
      bytesPerSecond: 2e9 / (i + 1),
      share: 0.1 / (i + 1),
      flops: 1e9 * (i + 1),
      speedup: i + 1,
      cold: size > 1024,
    }))
  )
);
const models = ["bf16", "any4"].map((format, i): ModelSpeedRow => ({
  format,
  bitsPerWeight: 16 / (i + 1),
  weightBytes: 7e6,
  prefill: 3000,
  firstToken: 0.04,
  decode: 500 * (i + 1),
  stepwise: 450,
  cacheBytes: 8e5,
  processBytes: 2e8,
}));
const report: SpeedReport = {
  title: `Speed ${HOSTILE}`,
  model: { name: "tinyworld", parameters: 3_410_176, promptTokens: 128, newTokens: 64 },
  places: [{ backend: "wasm", description: "2 threads", bandwidth: 2e10, linears, models }],
  settings: { date: HOSTILE },
};

Deno.test("the text has every format of every shape, and says which weights a cache may have held", () => {
  const text = speedText(report, { color: false }).replaceAll("\u00a0", " ");
  assertStringIncludes(text, "wasm (2 threads), memory 20.0 GB/s");
  for (const format of formats) {
    assertEquals(text.match(new RegExp(`\\b${format}  `, "g"))?.length, 4 + +(format === "any4"));
  }
  assertEquals(text.match(/1024×1024 \(cached\)/g)?.length, 2);
  assertEquals(text.match(/4096×4096 \(cached\)/g), null);
  assertStringIncludes(text, "tinyworld: a prompt of 128 tokens, 64 new ones");
  assertStringIncludes(text, "2.00×");
});

Deno.test("plots of speed have every format at every size, inside the axes, and their line", () => {
  const rows = linears.filter(({ tokens }) => tokens === 1);
  const speedups = speedupPlot(rows);
  assertEquals(speedups.data.map(({ name, y }) => [name, ...y]), [
    ["any4", 2, 2],
    ["any3", 3, 3],
    ["int4", 4, 4],
  ]);
  assertEquals(speedups.layout.shapes![0]!.y0, 1);
  const bytes = throughputPlot(rows, { bandwidth: 2e10 });
  assertEquals(bytes.data.length, 4);
  const [low, high] = bytes.layout.yaxis.range;
  for (const value of bytes.data.flatMap(({ y }) => y as number[])) {
    assert(low < Math.log10(value) && Math.log10(value) < high);
  }
  assertEquals(bytes.layout.shapes![0]!.y0, 20);
  assertLess(Math.log10(20), high);
  assertEquals(throughputPlot(rows).layout.shapes, []);
  const tokens = tokensPlot(models);
  assertEquals(tokens.data.filter(({ yaxis }) => yaxis === "y2").map(({ y }) => y[0]), [500, 1000]);
  for (const figure of [speedups, bytes, tokens]) {
    assertStringIncludes(figureSvg(figure, { width: 700 }), "<svg");
  }
});

Deno.test("the page shows tables and plots, refers to nothing outside, and keeps texts texts", () => {
  const page = speedHtml(report).replace(plotly.replaceAll("</script", "<\\/script"), "");
  assertEquals(page.match(/<tr/g)?.length, 2 + linears.length + models.length);
  // Few tokens have a plot of bytes, many only one of speed-ups.
  assertEquals(page.match(/class="plot"/g)?.length, 4);
  assert(!page.includes(HOSTILE));
  const urls = page.match(/\b(?:https?|wss?|ftp):\/\/[^\s"')]*/g) ?? [];
  assertEquals(urls.filter((url) => url !== "http://www.w3.org/2000/svg"), []);
});

Deno.test("a report without linears, or without a model, leaves them out", () => {
  const place = { backend: "plain", description: "1 thread" };
  for (const [some, plots] of [[{ linears, models: [] }, 3], [{ linears: [], models }, 1]] as const) {
    const html = speedHtml({ ...report, model: undefined, places: [{ ...place, ...some }] });
    assertEquals(html.match(/<div class="plot"/g)?.length, plots);
  }
});
