/**
 * Tables for a page, of the columns and rows that {@linkcode table} draws in a terminal.
 *
 * @module
 */
import { escapeHtml } from "../escape_html.ts";
import type { Column } from "../terminal/table.ts";

/**
 * Renders rows as an HTML table. A row whose first cell is empty belongs to the row above; lines separate such groups.
 *
 * @param options.label a description for screen readers.
 */
export function pageTableHtml(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: { label: string },
): string {
  const aside = columns.map(({ align }) => align === "right" ? "" : ' class="text"');
  const head = columns.map(({ title }, c) => `<th scope="col"${aside[c]}>${escapeHtml(title)}</th>`);
  const grouped = rows.some(([first]) => first === "");
  const lines = rows.map(([first = "", ...rest]) => {
    const cells = rest.map((text, c) => `<td${aside[c + 1]}>${escapeHtml(text)}</td>`);
    const rule = grouped && first !== "" ? ' class="next"' : "";
    return `<tr${rule}><th scope="row">${escapeHtml(first)}</th>${cells.join("")}</tr>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(options.label)}"><table>
<thead><tr>${head.join("")}</tr></thead>
<tbody>
${lines.join("\n")}
</tbody>
</table></div>`;
}
