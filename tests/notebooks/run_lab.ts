/**
 * What a reader does: opens JupyterLab, runs cells, looks at a figure, interrupts a cell that takes too long.
 *
 * @module
 */
import { assert, assertGreaterOrEqual } from "@std/assert";
import { findJupyter, hasKernel, installKernel } from "../../tasks/jupyter.ts";
import { findChromium } from "../chromium.ts";
import { openLab } from "./browser.ts";
import { notebookText } from "./notebook.ts";

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
const jupyter = findJupyter();
const browser = findChromium();
const lacking = [jupyter ? [] : ["JupyterLab"], jupyter?.missing ?? [], browser ? [] : ["Chromium"]].flat();

const CELLS = [
  `import { show } from "any4";
import { barChart, progress, slider } from "any4/show";
const step = (bits: number) => ({
  label: String(bits),
  figure: barChart(["any", "int"], [{ name: "error", values: [1, bits] }]),
});
await show(slider([step(2), step(3)]));`,
  `{
  using bar = progress("walking", 30);
  for (let i = 1; i <= 30; i++) {
    await new Promise((next) => setTimeout(next, 100));
    bar.update(i);
  }
}`,
  // A kernel of Deno 2.9.6 stops code that runs, not code that waits.
  "while (true);",
  'await show("still " + "alive");',
];

// Whoever names notebooks wants those alone.
const named = Deno.args.some((arg) => !arg.startsWith("--"));

Deno.test({
  name: `JupyterLab draws a figure, moves a progress bar and survives an interrupt${
    lacking.length > 0 ? ` (ignored: no ${lacking.join(", no ")})` : ""
  }`,
  ignore: named || lacking.length > 0,
  // The browser's driver keeps timers of its own.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    if (!hasKernel()) installKernel();
    await Deno.mkdir(`${root}out`, { recursive: true });
    const folder = await Deno.makeTempDir({ dir: `${root}out`, prefix: "lab-" });
    try {
      await Deno.writeTextFile(`${folder}/probe.ipynb`, notebookText(probe()));
      await walk(folder.slice(folder.lastIndexOf("/") + 1));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: `JupyterLab follows a notebook's links to the project's files${
    lacking.length > 0 ? ` (ignored: no ${lacking.join(", no ")})` : ""
  }`,
  ignore: named || lacking.length > 0,
  // The browser's driver keeps timers of its own.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    if (!hasKernel()) installKernel();
    const path = "notebooks/02_number_formats.ipynb";
    await using lab = await openLab(path, { python: jupyter!.python, browser: browser! });
    const { page } = lab;
    const link = page.locator('.jp-RenderedMarkdown a[href*="lib/formats/format.ts"]');
    await link.scrollIntoViewIfNeeded();
    await link.click();
    await page.locator(".jp-FileEditor .cm-content", { hasText: "export interface Format" }).waitFor();
    assert(await page.locator(".jp-Dialog").count() === 0, "no dialog says that the file is not there");
  },
});

async function walk(folder: string): Promise<void> {
  await using lab = await openLab(`out/${folder}/probe.ipynb`, {
    python: jupyter!.python,
    browser: browser!,
  });
  const { page } = lab;
  const cell = (i: number) => page.locator(".jp-Notebook .jp-CodeCell").nth(i);
  const runCell = async (i: number) => {
    await cell(i).locator(".cm-content").click();
    await page.keyboard.press("Control+Enter");
  };
  await runCell(0);
  // Plotly's own drawing, not the static picture: a bar for each of two formats, of which the slider changes one.
  const second = cell(0).locator(".js-plotly-plot .barlayer .point").nth(1);
  await second.waitFor();
  const rail = (await cell(0).locator(".slider-rail-touch-rect").boundingBox())!;
  await page.mouse.click(rail.x + rail.width - 2, rail.y + rail.height / 2);
  await cell(0).locator(".slider-label", { hasText: "3" }).first().waitFor();
  assert(await second.isVisible(), "the figure is still there when the slider has moved");
  await Deno.writeFile(`${root}out/lab.png`, await page.screenshot());

  await runCell(1);
  const bar = cell(1).locator("progress");
  await bar.waitFor();
  const seen = new Set<number>();
  for (let last = 0; last < 1;) {
    last = await bar.evaluate((element: { value: number }) => element.value);
    seen.add(last);
    await page.waitForTimeout(50);
  }
  assertGreaterOrEqual(seen.size, 4);

  await runCell(2);
  await cell(2).locator(".jp-InputPrompt", { hasText: "[*]" }).waitFor();
  await page.locator(
    '[data-command="notebook:interrupt-kernel"], jp-button[data-command="notebook:interrupt-kernel"]',
  )
    .first().click();
  await cell(2).locator(".jp-InputPrompt", { hasText: /\[\d+\]/ }).waitFor();
  await runCell(3);
  await cell(3).locator(".jp-OutputArea-output", { hasText: "still alive" }).waitFor();
  assert(await page.locator(".jp-Dialog").count() === 0, "no dialog says that the kernel died");
}

function probe() {
  return {
    cells: CELLS.map((source, i) => ({
      id: `cell-${i}`,
      cell_type: "code" as const,
      source,
      metadata: {},
      outputs: [],
      execution_count: null,
    })),
    metadata: {
      kernelspec: { name: "deno", display_name: "Deno", language: "typescript" },
      language_info: { name: "typescript" },
    },
    nbformat: 4,
    nbformat_minor: 5,
  };
}
