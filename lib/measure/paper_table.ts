/**
 * Tables of results as any4's paper has them: formats down, texts and tasks across.
 *
 * @module
 */
import { isTextResult, type Result } from "./evaluate.ts";
import { publishedPerplexity } from "./published.ts";

/** A table of one model. */
export interface PaperTable {
  /** The model's name. */
  readonly model: string;
  /** Titles of its columns. */
  readonly columns: readonly string[];
  /** Its cells, row by row. */
  readonly rows: readonly (readonly string[])[];
}

const ORDER = [null, "int4", "fp4", "nf4", "any4"];

/**
 * One table a model: a row for each format, and for each text and score a column, with the published number behind it where
 * there is one.
 */
export function paperTables(results: readonly Result[]): PaperTable[] {
  return [...Map.groupBy(results, ({ model }) => model)].map(([model, all]) => {
    const cells = all.flatMap((result) => cellsOf(result).map((cell) => ({ ...cell, result })));
    const columns = [...new Set(cells.map(({ column }) => column))];
    const place = (format: string | null) => (ORDER.indexOf(format) + ORDER.length + 1) % (ORDER.length + 1);
    const formats = [...Map.groupBy(all, ({ format, groupSize }) => `${format} ${groupSize}`).values()]
      .map(([first]) => first!).sort((a, b) => place(a.format) - place(b.format));
    const rows = formats.map((one) => [
      one.format === null ? "original" : `${one.format}, ${groups(one.groupSize)}`,
      one.bitsPerWeight.toFixed(2),
      ...columns.map((column) => {
        const found = cells.findLast(({ result, column: its }) =>
          its === column && result.format === one.format && result.groupSize === one.groupSize
        );
        return found?.text ?? "";
      }),
    ]);
    return { model, columns: ["format", "bits", ...columns], rows };
  });
}

const groups = (size: number | "row" | null) => size === "row" ? "a scale a row" : `groups of ${size}`;

function cellsOf(result: Result): { column: string; text: string }[] {
  if (!isTextResult(result)) {
    return Object.entries(result.scores).map(([name, { value, stderr }]) => ({
      column: `${result.task} ${name} (${result.n} items, ${result.fewshot} shots)`,
      text: result.items.length > 1 ? `${value.toFixed(4)} ± ${stderr.toFixed(4)}` : value.toFixed(4),
    }));
  }
  const { model, format, data, recipe, context, windows, perplexity, stderr } = result;
  const published = recipe === "gptq" && context === 2048 && result.groupSize !== "row" &&
      (result.groupSize ?? 128) === 128
    ? publishedPerplexity(model, { format, data })
    : undefined;
  const error = windows > 1 ? ` ± ${stderr.toFixed(2)}` : "";
  return [{
    column: `${data} (${recipe}, ${windows} × ${context})`,
    text: `${perplexity.toFixed(2)}${error}${published === undefined ? "" : ` (published: ${published})`}`,
  }];
}

/** Tables as Markdown. */
export function paperMarkdown(tables: readonly PaperTable[]): string {
  const escape = (text: string) => text.replaceAll("|", "\\|");
  const line = (cells: readonly string[]) => `| ${cells.map(escape).join(" | ")} |`;
  return tables.map(({ model, columns, rows }) =>
    [`## ${model}`, "", line(columns), line(columns.map(() => "---")), ...rows.map(line), ""].join("\n")
  ).join("\n");
}
