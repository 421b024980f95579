import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { calibrate, loadModel, quantize } from "any4";
import { barChart } from "../../lib/show/bar_chart.ts";
import { display } from "../../lib/display.ts";
import { heatMap } from "../../lib/show/heat_map.ts";
import { show, viewOf } from "../../lib/show/show.ts";

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
