/**
 * Tables, shown as HTML in notebooks and as text in terminals.
 *
 * @module
 */
import { type View, view } from "../display.ts";
import { escapeHtml } from "../escape_html.ts";
import { type Column, table } from "../terminal/table.ts";
import { decimal } from "../terminal/units.ts";

/** The value of a table's cell. */
export type Cell = string | number | boolean | null | undefined;

/** Options of {@linkcode tableView}. */
export interface TableViewOptions {
  /** Title above the table. */
  readonly title?: string;
}

/**
 * Makes a table that can be shown.
 *
 * @param columns the columns, from left to right.
 * @param rows one text per column.
 *
 * @example
 * ```ts
 * import { display, tableView } from "any4/show";
 * import { assertStringIncludes } from "@std/assert";
 * const columns = [{ title: "format" }, { title: "perplexity", align: "right" as const }];
 * assertStringIncludes(tableView(columns, [["any4", "3.57"]])[display]()["text/plain"], "any4          3.57");
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

/** The table as HTML, styled by the notebook or page. */
function tableHtml(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
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
 * Makes a table of records, with a column for each key. Numbers have four digits and are aligned to the right.
 *
 * @example
 * ```ts
 * import { display, recordsView } from "any4/show";
 * import { assertStringIncludes } from "@std/assert";
 * const records = [{ format: "any4", perplexity: 3.5712 }, { format: "int4", perplexity: 3.8123 }];
 * assertStringIncludes(recordsView(records)[display]()["text/plain"], "int4         3.812");
 * ```
 */
export function recordsView(
  records: readonly Readonly<Record<string, Cell>>[],
  options: TableViewOptions = {},
): View {
  const keys = [...new Set(records.flatMap((record) => Object.keys(record)))];
  // Texts such as "3.2 %" are aligned as numbers.
  const numeric = (key: string) =>
    records.every(({ [key]: value }) =>
      value === null || value === undefined || typeof value === "number" ||
      typeof value === "string" && /^[+\u2212-]?[\d.,]+(\u00a0|$)/.test(value)
    );
  const columns = keys.map((key): Column => ({ title: key, align: numeric(key) ? "right" : "left" }));
  return tableView(columns, records.map((record) => keys.map((key) => cellText(record[key]))), options);
}

/** The text of a value in a cell. */
export function cellText(value: Cell): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return value.toLocaleString("en-US").replace("-", "\u2212");
  }
  return typeof value === "number" ? decimal(value) : String(value);
}
