/**
 * The report on speed: a page with a table and plots for each backend.
 *
 * @module
 */
import { escapeHtml } from "../escape_html.ts";
import { definitions, pageHtml, type Plot, plotHtml } from "./page.ts";
import type { SpeedPlace, SpeedReport } from "./speed_data.ts";
import { speedupPlot, throughputPlot, tokensPlot } from "./speed_plot.ts";
import { linearSpeedTable, modelSpeedTable, placeText, type SpeedTable } from "./speed_table.ts";
import { pageTableHtml } from "./page_table.ts";
import { count, decimal } from "../terminal/units.ts";

/** The number of tokens up to which the bytes of the weight bound a product's speed. */
const FEW_TOKENS = 8;

/**
 * Renders the report as an HTML page.
 *
 * @param report the numbers and texts; texts are escaped.
 * @returns the page, about 1.4 MB, which contains plotly.
 *
 * @example
 * ```ts
 * import { speedHtml } from "any4/show";
 * import { assert } from "@std/assert";
 * const html = speedHtml({ title: "How fast any4 is", places: [], settings: { date: "today" } });
 * assert(html.startsWith("<!doctype html>"));
 * ```
 */
export function speedHtml(report: SpeedReport): string {
  const { title, model, places, settings } = report;
  const sections = places.map((place, i) => ({ place, plots: plotsOf(place, { at: i, report }) }));
  return pageHtml({
    title,
    facts: [
      ...places.map(placeText),
      ...model ? [`${model.name}, ${count(model.parameters)} parameters`] : [],
    ],
    body: [
      ...sections.map(sectionHtml),
      "<h2>How it was measured</h2>",
      definitions(Object.entries(settings)),
      "<h2>What the numbers mean</h2>",
      definitions(MEANINGS),
    ],
    plots: sections.flatMap(({ plots }) => plots),
  });
}

function sectionHtml({ place, plots }: { place: SpeedPlace; plots: readonly Plot[] }): string {
  const draw = ({ columns, rows }: SpeedTable, label: string) => pageTableHtml(columns, rows, { label });
  return [
    `<h2>${escapeHtml(placeText(place))}</h2>`,
    place.linears.length > 0 ? draw(linearSpeedTable(place.linears), "Speed of linears") : "",
    place.models.length > 0 ? draw(modelSpeedTable(place.models), "Speed of the model") : "",
    ...plots.map(plotHtml),
  ].join("\n");
}

function plotsOf(place: SpeedPlace, { at, report }: { at: number; report: SpeedReport }): Plot[] {
  const { backend, linears, models, bandwidth } = place;
  const plots: Plot[] = [];
  for (const tokens of new Set(linears.map((row) => row.tokens))) {
    const rows = linears.filter((row) => row.tokens === tokens);
    const what = `${backend}, ${tokens} token${tokens === 1 ? "" : "s"}`;
    if (rows.some(({ format, speedup }) => format !== "f16" && speedup !== undefined)) {
      plots.push({
        id: `speedup-${at}-${tokens}`,
        title: `Speed-up over f16: ${what}`,
        caption:
          "How many times faster than with f16 weights a linear is. Higher is better; the dashed line is f16.",
        draw: (size) => speedupPlot(rows, size),
      });
    }
    if (tokens <= FEW_TOKENS) {
      plots.push({
        id: `throughput-${at}-${tokens}`,
        title: `Bytes a second: ${what}`,
        caption: bandwidth === undefined
          ? "What a linear reads and writes."
          : `What a linear reads and writes; memory gives ${
            decimal(bandwidth / 1e9, 3)
          } GB/s at most (dashed). ` +
            "A format far below it is bound by arithmetic, not by memory.",
        draw: (size) => throughputPlot(rows, { ...size, bandwidth }),
      });
    }
  }
  if (models.length > 0) {
    plots.push({
      id: `tokens-${at}`,
      title: `Tokens a second: ${report.model?.name ?? "the model"}, ${backend}`,
      caption: "How fast a prompt is read, and below it how fast new tokens come.",
      draw: (size) => tokensPlot(models, size),
    });
  }
  return plots;
}

const MEANINGS: readonly [string, string][] = [
  [
    "µs",
    "The median time of out = x · Wᵀ. Every format has several weights, used in turn, so that they come " +
    "from memory; where they are too few for that, the table says “cached”.",
  ],
  [
    "GB/s",
    "Bytes of the weight as stored (codes, scales, zeros, tables), of x and of out, divided by the time.",
  ],
  [
    "of bandwidth",
    "That, as a part of the bytes a second that were measured by reading or copying a large array.",
  ],
  ["× f16", "The time with f16 weights divided by the format’s: above 1 is faster."],
  [
    "first token",
    "From the prompt to the first new token; prompt tokens a second are the prompt’s tokens divided by it.",
  ],
  [
    "decode",
    "New tokens a second after the first, the likeliest each time, chosen where the model runs if it can.",
  ],
  ["stepwise", "The same with all logits read for each token, as a sampler of one’s own would."],
  ["KV cache", "Float32 keys and values of the prompt and the new tokens."],
  [
    "process",
    "Memory of the whole process, whatever it holds beside the model, at the end of the measurement.",
  ],
];
