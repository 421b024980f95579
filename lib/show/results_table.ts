/**
 * The table of results, for the terminal and the report: the original first, then one row per format.
 *
 * @module
 */
import { escapeHtml } from "../escape_html.ts";
import { fixedColor, learnedColor } from "./palette.ts";
import type { Report, ReportRow } from "./report_data.ts";
import { table, type TableOptions } from "../terminal/table.ts";
import { decimal, duration, percent, size } from "../terminal/units.ts";

/** The part of a report that is the table. */
export type Results = Pick<Report, "model" | "baseline" | "rows">;

interface Column {
  readonly title: string;
  /** The title for narrow screens. */
  readonly short?: string;
  readonly value: (row: ReportRow) => number | undefined;
  readonly text: (row: ReportRow) => string;
  /** The index of the best value among formats of equal bits, if there are several. */
  readonly best?: "min" | "max";
}

function columns(kinds: readonly string[]): Column[] {
  const number = (title: string, value: Column["value"], digits: number): Column => ({
    title,
    value,
    text: (row) => decimal(value(row), digits),
    best: "min",
  });
  const perKind = kinds.length > 1 ? kinds.map((kind) => number(kind, (row) => row.kinds[kind], 4)) : [];
  return [
    {
      title: "bits/weight",
      short: "bits/w",
      value: (row) => row.bitsPerWeight,
      text: (row) => row.bitsPerWeight.toFixed(2),
    },
    { title: "size", value: (row) => row.bytes, text: (row) => size(row.bytes) },
    number("perplexity", (row) => row.perplexity, 5),
    ...perKind,
    {
      ...number("KL", (row) => row.kl, 3),
      text: ({ kl, klError }) =>
        decimal(kl, 3) + (Number.isFinite(klError) ? ` ± ${decimal(klError!, 1)}` : ""),
    },
    {
      title: "top-1",
      value: (row) => row.top1,
      text: (row) => percent(row.top1, { places: 1 }),
      best: "max",
    },
    {
      title: "layer error",
      short: "error",
      value: (row) => row.layerError,
      text: (row) => percent(row.layerError, { places: 1 }),
      best: "min",
    },
    { title: "time", value: (row) => row.seconds, text: (row) => duration(row.seconds) },
  ];
}

/** The original as the row of a format without costs. */
function original({ baseline, model }: Results): ReportRow {
  const perfect = { kl: 0, top1: 1, layerError: 0, seconds: NaN, bits: NaN, groupSize: NaN, learned: false };
  return { ...perfect, ...baseline, format: `original (${model.dtype})` };
}

/**
 * Renders the table for a terminal.
 *
 * @example
 * ```ts
 * import { resultsText } from "any4/show";
 * import { assertMatch } from "@std/assert";
 * const sizes = { parameters: 3_410_176, dtype: "BF16", bytes: 6_820_352, tokens: 2000 };
 * const text = resultsText({
 *   model: { name: "tinyworld", ...sizes },
 *   baseline: { perplexity: 3, bitsPerWeight: 16, bytes: sizes.bytes, kinds: {} },
 *   rows: [],
 * });
 * assertMatch(text, /original \(BF16\) +16\.00/);
 * ```
 */
export function resultsText(report: Results, options: TableOptions = {}): string {
  const shown = columns(Object.keys(report.baseline.kinds));
  return table(
    [
      { title: "format" },
      ...shown.map(({ title, short = title }) => ({ title: short, align: "right" as const })),
    ],
    [original(report), ...report.rows].map((row) => [row.format, ...shown.map(({ text }) => text(row))]),
    options,
  );
}

/** Renders the table for a page; the best value among formats of equal bits is bold. */
export function resultsHtml(report: Results): string {
  const shown = columns(Object.keys(report.baseline.kinds));
  const { rows } = report;
  const isBest = ({ value, best }: Column, row: ReportRow) => {
    const rivals = rows.filter(({ bits }) => bits === row.bits).map((rival) => value(rival) ?? NaN)
      .filter((number) => !Number.isNaN(number));
    return best !== undefined && rivals.length > 1 && value(row) === Math[best](...rivals);
  };
  const lines = [original(report), ...rows].map((row, r) => {
    const color = row.learned ? learnedColor : fixedColor;
    const swatch = r === 0 ? "" : `<span class="swatch" style="background:${color}"></span>`;
    const cells = shown.map((column) =>
      `<td${r > 0 && isBest(column, row) ? ' class="best"' : ""}>${escapeHtml(column.text(row))}</td>`
    );
    const rule = r > 0 && (r === 1 || rows[r - 2]!.bits !== row.bits) ? ' class="next"' : "";
    return `<tr${rule}><th scope="row">${swatch}${escapeHtml(row.format)}</th>${cells.join("")}</tr>`;
  });
  const head = ["format", ...shown.map(({ title }) => title)]
    .map((title) => `<th scope="col">${escapeHtml(title)}</th>`);
  return `<div class="scroll" tabindex="0" role="region" aria-label="Results"><table>
<thead><tr>${head.join("")}</tr></thead>
<tbody>
${lines.join("\n")}
</tbody>
</table></div>
<p class="note"><span class="swatch" style="background:${learnedColor}"></span>learned values
<span class="swatch" style="background:${fixedColor}"></span>fixed values. The best of as many bits is bold.</p>`;
}
