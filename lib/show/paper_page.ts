/**
 * A page with the tables of an evaluation.
 *
 * @module
 */
import { escapeHtml } from "../escape_html.ts";
import type { PaperTable } from "../measure/paper_table.ts";
import { pageTableHtml } from "./page_table.ts";
import style from "./report.css" with { type: "text" };

/**
 * One self-contained HTML file with a table for each model.
 *
 * @example
 * ```ts
 * import { paperPage } from "any4/show";
 * import { assert } from "@std/assert";
 * const table = { model: "tinyworld", columns: ["format", "bits"], rows: [["original", "16.00"]] };
 * assert(paperPage([table]).includes("<h2>tinyworld</h2>"));
 * ```
 */
export function paperPage(tables: readonly PaperTable[]): string {
  const parts = tables.map(({ model, columns, rows }) => {
    const titles = columns.map((title, c) => ({
      title,
      align: c === 0 ? "left" as const : "right" as const,
    }));
    return `<h2>${escapeHtml(model)}</h2>\n${pageTableHtml(titles, rows, { label: model })}`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Perplexity and tasks by format</title>
<style>
${style}</style>
</head>
<body>
<main>
<h1>Perplexity and tasks by format</h1>
${parts.join("\n")}
</main>
</body>
</html>
`;
}
