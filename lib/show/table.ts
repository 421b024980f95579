/**
 * Tables for the terminal.
 *
 * @module
 */
import { cut, displayWidth } from "./width.ts";

/** One column of a table. */
export interface Column<Row> {
  /** Which property of a row; when absent, and rows are arrays, the column's own place. */
  readonly key?: keyof Row;
  /** Heading. */
  readonly title: string;
  /** Text to the left (the default), numbers to the right. */
  readonly align?: "left" | "right";
  /** The cell's text; String(value) by default, nothing for undefined and null. */
  readonly format?: (value: unknown, row: Row) => string;
  /** Which number to emphasize, where colours are on: the smallest or the largest. */
  readonly best?: "min" | "max";
}

/** How a table is drawn. */
export interface TableOptions<Row> {
  /** Columns of the terminal; those of stdout, or no limit where stdout is a file or a pipe. */
  readonly width?: number;
  /** Whether to colour; by default only in a terminal where NO_COLOR is not set. */
  readonly color?: boolean;
  /** Rows to step back, such as the baseline. */
  readonly dim?: (row: Row) => boolean;
}

const GAP = "  ";
const SHORTEST = 12;
const bold = (text: string) => `\x1b[1m${text}\x1b[22m`;
const dim = (text: string) => `\x1b[2m${text}\x1b[22m`;
const green = (text: string) => `\x1b[1;32m${text}\x1b[22;39m`;

interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/**
 * Draws rows as an aligned table.
 *
 * A table wider than the terminal first shortens its longest text columns; if that is not enough, the
 * columns that do not fit follow in further blocks, each starting with the first column again.
 *
 * @param columns what to show, from left to right.
 * @param rows what to show it of.
 * @returns lines without a final line break.
 *
 * @example
 * ```ts
 * import { table } from "./table.ts";
 * const rows = [{ format: "any4", perplexity: 3.57 }, { format: "int4", perplexity: 3.812 }];
 * console.log(table([
 *   { key: "format", title: "format", align: "left" },
 *   { key: "perplexity", title: "perplexity", align: "right", format: (v) => Number(v).toFixed(2), best: "min" },
 * ], rows));
 * ```
 */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions<Row> = {},
): string {
  const terminal = Deno.stdout.isTerminal();
  const color = options.color ?? (terminal && !Deno.noColor);
  const limit = options.width ?? (terminal ? terminalWidth() : Infinity);
  const cells = columns.map((column, c) => columnCells({ column, c }, rows, options));
  const widths = cells.map((column) => Math.max(...column.map((cell) => displayWidth(cell.text))));
  shorten(widths, { columns, limit });
  return blocks(widths, limit)
    .map((shown) =>
      draw(
        shown.map((c) => ({ cells: cells[c]!, width: widths[c]!, right: columns[c]!.align === "right" })),
        color,
      )
    )
    .join("\n\n");
}

function terminalWidth(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80; // a terminal that does not tell its size
  }
}

/** The heading and one cell a row. */
function columnCells<Row>(
  { column, c }: { column: Column<Row>; c: number },
  rows: readonly Row[],
  options: TableOptions<Row>,
): Cell[] {
  const values = rows.map((row): unknown => {
    if (column.key !== undefined) return row[column.key];
    return Array.isArray(row) ? row[c] : undefined;
  });
  const numbers = values.filter((value) => typeof value === "number" && Number.isFinite(value)) as number[];
  const best = column.best === undefined || numbers.length < 2 ? undefined : Math[column.best](...numbers);
  const body = rows.map((row, r): Cell => {
    const value = values[r];
    const text = column.format
      ? column.format(value, row)
      : value === undefined || value === null
      ? ""
      : String(value);
    // A line break inside a cell would tear the table.
    const line = text.replace(/\s*[\r\n]+\s*/g, " ");
    if (options.dim?.(row)) return { text: line, paint: dim };
    return best !== undefined && value === best ? { text: line, paint: green } : { text: line };
  });
  return [{ text: column.title, paint: bold }, ...body];
}

/** Takes columns from the longest text column until the table fits or all of them are short. */
function shorten<Row>(
  widths: number[],
  { columns, limit }: { columns: readonly Column<Row>[]; limit: number },
): void {
  const total = () => widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
  while (total() > limit) {
    let longest = -1;
    for (let c = 0; c < widths.length; c++) {
      if (columns[c]!.align === "right" || widths[c]! <= SHORTEST) continue;
      if (longest < 0 || widths[c]! > widths[longest]!) longest = c;
    }
    if (longest < 0) return;
    widths[longest]!--;
  }
}

/** Which columns stand beside each other: all, or as many as fit, the first one in front each time. */
function blocks(widths: readonly number[], limit: number): number[][] {
  const all: number[][] = [];
  let block: number[] = [];
  let used = 0;
  for (let c = 0; c < widths.length; c++) {
    const width = widths[c]! + (block.length > 0 ? GAP.length : 0);
    if (used + width > limit && block.length > (all.length === 0 ? 0 : 1)) {
      all.push(block);
      block = [0];
      used = widths[0]! + GAP.length + widths[c]!;
    } else {
      used += width;
    }
    block.push(c);
  }
  return [...all, block];
}

interface Drawn {
  readonly cells: readonly Cell[];
  readonly width: number;
  readonly right: boolean;
}

function draw(columns: readonly Drawn[], color: boolean): string {
  const height = columns[0]?.cells.length ?? 0;
  const lines: string[] = [];
  for (let r = 0; r < height; r++) {
    const line = columns.map(({ cells, width, right }) => {
      const { text, paint } = cells[r]!;
      const short = cut(text, width);
      const space = " ".repeat(width - displayWidth(short));
      const painted = color && paint ? paint(short) : short;
      return right ? space + painted : painted + space;
    });
    lines.push(line.join(GAP).trimEnd());
    if (r === 0) {
      const rule = columns.map(({ width }) => "─".repeat(width)).join(GAP);
      lines.push(color ? dim(rule) : rule);
    }
  }
  return lines.join("\n");
}
