/**
 * Tables that notebooks show as HTML and terminals as text.
 *
 * @module
 */
import { type View, view } from "../display.ts";
import { escapeHtml } from "../escape_html.ts";
import { type Column, table } from "../terminal/table.ts";
import { decimal } from "../terminal/units.ts";

/** What a cell of a table may be. */
export type Cell = string | number | boolean | null | undefined;

/** What a table has besides its rows. */
export interface TableViewOptions {
  /** Above the table. */
  readonly title?: string;
}

/**
 * A table to show.
 *
 * @param columns what to show, from left to right.
 * @param rows a text for each column.
 *
 * @example
 * ```ts
 * import { show, tableView } from "any4";
 * await show(tableView([{ title: "format" }, { title: "perplexity", align: "right" }], [["any4", "3.57"]]));
 * ```
 */
export function tableView(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableViewOptions = {},
): View {
  const { title } = options;
  const html = tableHtml(columns, rows);
  return view({
    "text/plain": (title ? `${title}\n\n` : "") + table(columns, rows),
    "text/html": title ? `<p><b>${escapeHtml(title)}</b></p>\n${html}` : html,
  });
}

/** The table as HTML; notebooks and pages have a style for it already. */
export function tableHtml(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cell = (name: "th" | "td", text: string, c: number) =>
    `<${name} style="text-align:${columns[c]!.align ?? "left"}">${escapeHtml(text)}</${name}>`;
  const line = (name: "th" | "td", cells: readonly string[]) =>
    `<tr>${columns.map((_, c) => cell(name, cells[c] ?? "", c)).join("")}</tr>`;
  return `<table>
<thead>${line("th", columns.map(({ title }) => title))}</thead>
<tbody>
${rows.map((row) => line("td", row)).join("\n")}
</tbody>
</table>`;
}

/**
 * A table of records: a column for each key, numbers to the right with four digits.
 *
 * @example
 * ```ts
 * import { recordsView, show } from "any4";
 * await show(recordsView([{ format: "any4", perplexity: 3.5712 }, { format: "int4", perplexity: 3.8123 }]));
 * ```
 */
export function recordsView(
  records: readonly Readonly<Record<string, Cell>>[],
  options: TableViewOptions = {},
): View {
  const keys = [...new Set(records.flatMap((record) => Object.keys(record)))];
  // Numbers made into text with their unit are numbers still.
  const numeric = (key: string) =>
    records.every(({ [key]: value }) =>
      value === null || value === undefined || typeof value === "number" ||
      typeof value === "string" && /^[+\u2212-]?[\d.,]+(\u00a0|$)/.test(value)
    );
  const columns = keys.map((key): Column => ({ title: key, align: numeric(key) ? "right" : "left" }));
  return tableView(columns, records.map((record) => keys.map((key) => cellText(record[key]))), options);
}

/** A value as a cell of a table has it. */
export function cellText(value: Cell): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return value.toLocaleString("en-US").replace("-", "\u2212");
  }
  return typeof value === "number" ? decimal(value) : String(value);
}
