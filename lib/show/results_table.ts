/**
 * The table of results, for the terminal and the report: the original first, then one row per format.
 *
 * @module
 */
import { escapeHtml } from "../escape_html.ts";
import { fixedColor, learnedColor } from "./palette.ts";
import type { Report, ReportRow } from "./report_data.ts";
import { table, type TableOptions } from "../terminal/table.ts";
import { duration, measured, MISSING, percent, size } from "../terminal/units.ts";
import { rowsOfEqualBits } from "./equal_bits.ts";

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

const COLUMNS: readonly Column[] = [
  {
    title: "bits/weight",
    short: "bits/w",
    value: (row) => row.bitsPerWeight,
    text: (row) => row.bitsPerWeight.toFixed(2),
  },
  {
    title: "KL",
    value: (row) => row.kl,
    text: (row) => Number.isNaN(row.bits) ? MISSING : measured(row.kl, row.klStderr),
    best: "min",
  },
  {
    title: "perplexity",
    value: (row) => row.perplexity,
    text: (row) => measured(row.perplexity, row.perplexityStderr),
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
  { title: "size", value: (row) => row.bytes, text: (row) => size(row.bytes) },
  { title: "time", value: (row) => row.seconds, text: (row) => duration(row.seconds) },
];

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
  const sets = rowsOfEqualBits(report.rows);
  const line = (row: ReportRow) => [nameOf(row), ...COLUMNS.map(({ text }) => text(row))];
  const columns = [
    { title: "format" },
    ...COLUMNS.map(({ title, short = title }) => ({ title: short, align: "right" as const })),
  ];
  const apart = columns.map(() => "");
  // An empty line between what cannot be compared.
  return table(
    columns,
    [line(original(report)), ...sets.flatMap((set) => [apart, ...set.map(line)])],
    options,
  );
}

/** The name of a row's format, and its group size if that was asked for. */
function nameOf({ name, format }: ReportRow): string {
  return name ?? format;
}

/** Renders the table for a page; the best value among rows of about equal bits is bold. */
export function resultsHtml(report: Results): string {
  const isBest = ({ value, best }: Column, row: ReportRow, set: readonly ReportRow[]) => {
    const rivals = set.map((rival) => value(rival) ?? NaN).filter((number) => !Number.isNaN(number));
    return best !== undefined && rivals.length > 1 && value(row) === Math[best](...rivals);
  };
  const line = (row: ReportRow, set?: readonly ReportRow[]) => {
    const color = row.learned ? learnedColor : fixedColor;
    const swatch = set ? `<span class="swatch" style="background:${color}"></span>` : "";
    const cells = COLUMNS.map((column) =>
      `<td${set && isBest(column, row, set) ? ' class="best"' : ""}>${escapeHtml(column.text(row))}</td>`
    );
    const rule = set?.[0] === row ? ' class="next"' : "";
    return `<tr${rule}><th scope="row">${swatch}${escapeHtml(nameOf(row))}</th>${cells.join("")}</tr>`;
  };
  const head = ["format", ...COLUMNS.map(({ title }) => title)]
    .map((title) => `<th scope="col">${escapeHtml(title)}</th>`);
  const lines = [
    line(original(report)),
    ...rowsOfEqualBits(report.rows).flatMap((set) => set.map((row) => line(row, set))),
  ];
  return `<div class="scroll" tabindex="0" role="region" aria-label="Results"><table>
<thead><tr>${head.join("")}</tr></thead>
<tbody>
${lines.join("\n")}
</tbody>
</table></div>
<p class="note"><span class="swatch" style="background:${learnedColor}"></span>learned values
<span class="swatch" style="background:${fixedColor}"></span>fixed values. Lines separate rows of about equal bits; the best
of each is bold. ± is a standard error, over windows of text.</p>`;
}
