import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { calibrate, loadModel, OptionError, quantize } from "any4";
import { barChart } from "../../lib/show/bar_chart.ts";
import { display } from "../../lib/display.ts";
import { heatMap } from "../../lib/show/heat_map.ts";
import { animation, dropdown, slider } from "../../lib/show/interact.ts";
import { show, viewOf } from "../../lib/show/show.ts";
import { recordsView } from "../../lib/show/table_view.ts";
import { lineChart } from "../../lib/show/xy_plot.ts";

/** What show() prints outside notebooks. */
async function printed(thing: unknown, options = {}): Promise<string> {
  const { log } = console;
  const lines: string[] = [];
  console.log = (line) => void lines.push(String(line));
  try {
    await show(thing, options);
  } finally {
    console.log = log;
  }
  return lines.join("\n").replaceAll("\u00a0", " ");
}

/** All ways to show a thing. */
const shown = (thing: unknown): Record<string, unknown> => ({ ...viewOf(thing)[display]() });

const matrix = { rows: 4, cols: 64, data: Float32Array.from({ length: 256 }, () => Math.random() - 0.5) };

Deno.test("show() prints records, a record, texts and summaries as text", async () => {
  assertEquals(await printed([{ a: 1, b: "x" }]), "a  b\n─  ─\n1  x");
  assertEquals(
    await printed({ perplexity: 3.14159, kinds: { code: 2 } }),
    "\n──────────  ──────\nperplexity   3.142\nkinds       code 2",
  );
  assertEquals(await printed("Once"), "Once");
  assertStringIncludes(await printed(matrix), "F32");
  assertStringIncludes(await printed(quantize(matrix, { format: "any3", groupSize: 32 })), "any3");
  using model = await loadModel("tinyworld", { backend: "plain" });
  assertStringIncludes(await printed(model), "4 × down_proj");
  const calibration = await calibrate(model, {
    text: "Once upon a time",
    linears: ["model.layers.0.self_attn.q_proj"],
  });
  assertStringIncludes(await printed(calibration), "0.self_attn.q_proj, k_proj, v_proj");
});

Deno.test("show() writes a figure as a page that needs nothing else", async () => {
  const file = await Deno.makeTempFile({ suffix: ".html" });
  const text = await printed(barChart(["a"], [{ name: "x", values: [1] }], { title: "Bars" }), { file });
  assertEquals(text, `figure: Bars: ${file}`);
  const page = await Deno.readTextFile(file);
  assert(page.length > 1e6);
  assertEquals(/<(script|link)[^>]*(src|href)=/.test(page), false);
  await Deno.remove(file);
});

Deno.test("show() gives a notebook every way to show a thing, and no scripts", () => {
  const table = shown([{ text: "<b>", number: 1.5 }]);
  assertEquals(Object.keys(table), ["text/plain", "text/html"]);
  assertStringIncludes(table["text/html"] as string, "&lt;b&gt;");
  assertStringIncludes(table["text/html"] as string, 'text-align:right">1.5');
  const summary = shown(quantize(matrix, { format: "any2" }));
  assertStringIncludes(summary["text/html"] as string, '<img alt="');
  const figure = shown(heatMap(matrix));
  assertEquals(Object.keys(figure), ["application/vnd.plotly.v1+json", "image/svg+xml", "text/plain"]);
  for (const bundle of [table, summary, figure]) {
    assertEquals(JSON.stringify(bundle).includes("<script"), false);
  }
});

Deno.test("numbers stand to the right, with their units too", () => {
  const html = recordsView([{ name: "a 1", part: "+5.0\u00a0%", bits: 4 }])[display]()["text/html"]!;
  assertEquals(html.match(/text-align:(\w+)/g)?.slice(0, 3).map((style) => style.slice(11)), [
    "left",
    "right",
    "right",
  ]);
});

Deno.test("bars of formats have their colours, gaps where nothing was measured, and stand below zero too", () => {
  const { data, layout } = barChart(["any4", "int4", "any2"], [{ name: "error", values: [-1, NaN, 2] }]);
  assertEquals(data.map(({ x, y }) => [x, y]), [[[0, 2], [-1, 2]], [[1], [null]]]);
  assert(data[0]!.marker!.color !== data[1]!.marker!.color);
  assert(layout.yaxis.range[0] < -1 && layout.yaxis.range[1] > 2);
});

Deno.test("a line on logarithmic axes leaves out what has no logarithm", () => {
  const { data, layout } = lineChart([{ name: "a", x: [1, 10, 100], y: [0.1, 0, 10] }], { log: "xy" });
  assertEquals(data[0]!.y, [0.1, null, 10]);
  assert(layout.yaxis.range[0] < -1 && layout.yaxis.range[0] > -1.5);
});

Deno.test("a heat map of a large matrix keeps its outlier", () => {
  const large = { rows: 300, cols: 500, data: new Float32Array(150_000) };
  large.data[200 * 500 + 333] = -7;
  const { data } = heatMap(large);
  const cells = data[0]!.z!.flat();
  assert(cells.length <= 96 * 160);
  assertEquals(cells.filter((cell) => cell !== 0), [-7]);
});

const steps = [1, 2].map((i) => ({
  label: `step ${i}`,
  figure: barChart(["a", "b"], [{ name: "x", values: [i, 2 * i] }, { name: "y", values: [i, i] }]),
}));

Deno.test("a heat map has room below for long names of columns", () => {
  const matrix = { rows: 1, cols: 20, data: new Float32Array(20) };
  const room = (name: string) => heatMap(matrix, { columns: Array(20).fill(name) }).layout.margin.b;
  assert(room("a very long name") > room("not long"));
});

Deno.test("a slider and a menu show one figure's traces at a time", () => {
  for (const choose of [slider, dropdown]) {
    const { data, layout } = choose(steps, { start: 1 });
    assertEquals(data.map(({ visible }) => visible), [false, false, true, true]);
    const { sliders, updatemenus } = layout as unknown as Record<
      string,
      { steps?: unknown[]; buttons?: unknown[] }[]
    >;
    const control = (sliders ?? updatemenus)![0]!;
    const choices = control.steps ?? control.buttons;
    assertEquals((choices as { args: { visible: boolean[] }[] }[]).map(({ args }) => args[0]!.visible), [
      [true, true, false, false],
      [false, false, true, true],
    ]);
  }
});

Deno.test("an animation has a frame for each figure and refuses figures that do not match", () => {
  const film = animation(steps) as unknown as { frames: unknown[] };
  assertEquals(film.frames.length, 2);
  const odd = { label: "odd", figure: barChart(["a"], [{ name: "x", values: [1] }]) };
  assertThrows(() => animation([...steps, odd]), OptionError, "odd has 1 traces, step 1 has 2");
  assertThrows(() => slider([]), OptionError, "there are 0");
});
