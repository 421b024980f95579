/**
 * Tables for the terminal.
 *
 * @module
 */
import { visible } from "./visible.ts";
import { cut, displayWidth } from "./width.ts";

/** One column of a table. */
export interface Column {
  /** The heading. */
  readonly title: string;
  /** The alignment; "left" when absent. */
  readonly align?: "left" | "right";
}

/** Options of {@linkcode table}. */
export interface TableOptions {
  /** The largest width in columns; the terminal's width, or no limit if stdout is a file or a pipe. */
  readonly width?: number;
  /** Whether to make headings bold; by default only in a terminal where NO_COLOR is not set. */
  readonly color?: boolean;
}

const GAP = "  ";
const SHORTEST = 20;
const bold = (text: string) => `\x1b[1m${text}\x1b[22m`;
const dim = (text: string) => `\x1b[2m${text}\x1b[22m`;

/**
 * Renders rows as an aligned table.
 *
 * A table wider than the terminal first shortens its longest text columns; if that is not enough, the columns
 * that do not fit follow in further blocks, each starting with the first column again.
 *
 * @param columns what to show, from left to right.
 * @param rows one text per column; line breaks become spaces, other control characters are shown.
 * @returns lines without a final line break.
 *
 * @example
 * ```ts
 * import { table } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const columns = [{ title: "format" }, { title: "perplexity", align: "right" as const }];
 * const [head, , first] = table(columns, [["any4", "3.57"], ["int4", "3.81"]], { color: false }).split("\n");
 * assertEquals([head, first], ["format  perplexity", "any4          3.57"]);
 * ```
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const terminal = Deno.stdout.isTerminal();
  const color = options.color ?? (terminal && !Deno.noColor);
  const limit = options.width ?? (terminal ? terminalWidth() : Infinity);
  const lines = [columns.map(({ title }) => title), ...rows].map((line) =>
    columns.map((_, c) => visible((line[c] ?? "").replace(/\s*[\r\n]+\s*/g, " ")))
  );
  const widths = columns.map((_, c) => Math.max(...lines.map((line) => displayWidth(line[c]!))));
  shorten(widths, { columns, limit });

  const cell = (line: readonly string[], c: number) => {
    const text = cut(line[c]!, widths[c]!);
    const space = " ".repeat(widths[c]! - displayWidth(text));
    return columns[c]!.align === "right" ? space + text : text + space;
  };
  return blocks(widths, limit).map((shown) => {
    const [head, ...body] = lines.map((line) => shown.map((c) => cell(line, c)).join(GAP).trimEnd());
    const rule = shown.map((c) => "─".repeat(widths[c]!)).join(GAP);
    return [...(color ? [bold(head!), dim(rule)] : [head, rule]), ...body].join("\n");
  }).join("\n\n");
}

/**
 * The width of the terminal of stdout or stderr in columns; 80 if it is unknown.
 *
 * @example
 * ```ts
 * import { terminalWidth } from "any4/show";
 * import { assert } from "@std/assert";
 * assert(terminalWidth() > 0);
 * ```
 */
export function terminalWidth(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

/** Takes columns from the longest text column until the table fits or all of them are short. */
function shorten(
  widths: number[],
  { columns, limit }: { columns: readonly Column[]; limit: number },
): void {
  const total = () => widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
  while (total() > limit) {
    const long = widths.map((_, c) => c).filter((c) =>
      columns[c]!.align !== "right" && widths[c]! > SHORTEST
    );
    if (long.length === 0) return;
    widths[long.reduce((a, b) => widths[b]! > widths[a]! ? b : a)]!--;
  }
}

/** The blocks of columns that fit side by side; each starts with the first column. */
function blocks(widths: readonly number[], limit: number): number[][] {
  const first = widths[0] ?? 0;
  const all = [[0]];
  let used = first;
  for (let c = 1; c < widths.length; c++) {
    const width = GAP.length + widths[c]!;
    if (used + width > limit && all.at(-1)!.length > 1) {
      all.push([0]);
      used = first;
    }
    used += width;
    all.at(-1)!.push(c);
  }
  return all;
}
