/**
 * One function that shows anything, in a notebook or outside.
 *
 * @module
 */
import type { InputStats } from "../learn/input_stats.ts";
import { calibrationSummary } from "./calibration_summary.ts";
import { jupyter } from "../jupyter.ts";
import { display, isView, type View, view } from "../display.ts";
import type { Figure } from "./figure.ts";
import { figurePage } from "./figure_page.ts";
import { escapeHtml } from "../escape_html.ts";
// Registers how models are displayed.
import "./model_summary.ts";
import { matrixSummary } from "./matrix_summary.ts";
import { type Cell, cellText, recordsView, tableView } from "./table_view.ts";

/** Options of {@linkcode show}. */
export interface ShowOptions {
  /** The HTML file of a figure outside of notebooks; out/figure-1.html, out/figure-2.html … when absent. */
  readonly file?: string;
}

let figures = 0;

/**
 * Shows a value: in a notebook below the cell, elsewhere as text. Outside of notebooks, figures are written as HTML files.
 *
 * @param thing a figure, a table or summary; a model, a matrix, a calibration; a list of records, which becomes a table; a
 * record of numbers and texts, which becomes a table of two columns; or a text.
 * @returns when the notebook has received it. Await it: the kernel can lose the last output of a cell otherwise.
 *
 * @example
 * ```ts
 * import { show } from "any4";
 * import { barChart } from "any4/show";
 * import { assertStringIncludes } from "@std/assert";
 * await show([{ format: "any4", perplexity: 3.57 }, { format: "int4", perplexity: 3.81 }]); // a table
 * const file = await Deno.makeTempFile({ suffix: ".html" });
 * await show(barChart(["any4", "int4"], [{ name: "perplexity", values: [3.57, 3.81] }]), { file });
 * assertStringIncludes(await Deno.readTextFile(file), "perplexity");
 * ```
 */
export async function show(thing: unknown, options: ShowOptions = {}): Promise<void> {
  const bundle = viewOf(thing)[display]();
  const kernel = jupyter();
  if (kernel) {
    await kernel.broadcast("display_data", { data: bundle, metadata: {}, transient: {} });
    return;
  }
  if (!("application/vnd.plotly.v1+json" in bundle)) {
    console.log(bundle["text/plain"]);
    return;
  }
  figures++;
  if (options.file === undefined) await Deno.mkdir("out", { recursive: true });
  const file = options.file ?? `out/figure-${figures}.html`;
  await Deno.writeTextFile(file, figurePage(thing as Figure));
  console.log(`${bundle["text/plain"]}: ${file}`);
}

/** The view of a value: its own, or one by its type. */
export function viewOf(thing: unknown): View {
  if (isView(thing)) return thing;
  if (typeof thing === "string") {
    return view({
      "text/plain": thing,
      "text/html": `<div style="white-space:pre-wrap">${escapeHtml(thing)}</div>`,
    });
  }
  if (isMatrix(thing)) return matrixSummary(thing);
  if (thing instanceof Map && [...thing.values()].every(isStats)) return calibrationSummary(thing);
  if (Array.isArray(thing) && thing.length > 0 && thing.every(isRecord)) return recordsView(thing.map(plain));
  if (isRecord(thing)) {
    const entries = Object.entries(plain(thing)).map(([key, value]) => [key, cellText(value)]);
    return tableView([{ title: "" }, { title: "", align: "right" }], entries);
  }
  return view({ "text/plain": Deno.inspect(thing, { colors: false }) });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    [null, Object.prototype].includes(Object.getPrototypeOf(value));
}

function isMatrix(value: unknown): value is Parameters<typeof matrixSummary>[0] {
  return isRecord(value) && "rows" in value && "cols" in value &&
    (value.data instanceof Float32Array || value.codes instanceof Uint32Array);
}

function isStats(value: unknown): value is InputStats {
  return isRecord(value) && value.meanSquare instanceof Float64Array && value.meanAbs instanceof Float64Array;
}

/** A record whose lists and records are turned into text, so that every value fits a cell. */
function plain(record: Record<string, unknown>): Record<string, Cell> {
  const cell = (value: unknown): Cell => {
    if (typeof value !== "object" || value === null) return value as Cell;
    if (isRecord(value)) {
      return Object.entries(value).map(([key, inner]) => `${key} ${cellText(cell(inner))}`).join(", ");
    }
    return Deno.inspect(value, { colors: false });
  };
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, cell(value)]));
}
