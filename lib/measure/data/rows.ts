/**
 * Rows of data sets: Parquet, JSON, JSON lines, CSV and plain text, gzipped or not.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { isObject } from "../../files/json_file.ts";
import { parseCsv } from "./csv.ts";

/** A row: values by column. */
export type Row = Readonly<Record<string, unknown>>;

/** Endings of files that {@linkcode readRows} reads. */
export const ROW_FILES = /\.(parquet|jsonl|json|csv|txt)(\.gz)?$/;

/**
 * Reads the first rows of a file. A .txt file is one row whose column "text" is all of it; a .json file is a list of objects,
 * an object with one such list, or lines.
 *
 * @param options `limit`: rows that are wanted; all when absent.
 * @throws {CheckpointError} when the file cannot be read, or holds no rows.
 */
export async function readRows(path: string, { limit = Infinity } = {}): Promise<Row[]> {
  const [, kind, zipped] = ROW_FILES.exec(path) ?? [];
  try {
    const bytes = await Deno.readFile(path);
    if (kind === "parquet") return await parquetRows(bytes, limit);
    const stream = new Blob([bytes]).stream();
    const plain = zipped ? stream.pipeThrough(new DecompressionStream("gzip")) : stream;
    return textRows(await new Response(plain).text(), { kind, limit });
  } catch (cause) {
    throw new CheckpointError(`Cannot read rows of ${path}: ${(cause as Error).message}`, { cause });
  }
}

async function parquetRows(bytes: Uint8Array<ArrayBuffer>, limit: number): Promise<Row[]> {
  const { parquetReadObjects } = await import("npm:hyparquet@1.31.5");
  const rowEnd = limit === Infinity ? undefined : limit;
  // Whole numbers of 64 bits come as BigInt; labels are small.
  const plain = (value: unknown): unknown =>
    typeof value === "bigint"
      ? Number(value)
      : Array.isArray(value)
      ? value.map(plain)
      : isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]))
      : value;
  return (await parquetReadObjects({ file: bytes.buffer, rowEnd })).map((row) => plain(row) as Row);
}

function textRows(text: string, { kind, limit }: { kind?: string; limit: number }): Row[] {
  if (kind === "txt") return [{ text }];
  const rows = kind === "csv" ? parseCsv(text) : kind === "jsonl" ? lines(text, limit) : json(text, limit);
  const wrong = rows.findIndex((row) => !isObject(row));
  if (wrong >= 0) throw new SyntaxError(`row ${wrong + 1} is not an object`);
  return rows.slice(0, limit) as Row[];
}

function lines(text: string, limit: number): unknown[] {
  const rows: unknown[] = [];
  for (let from = 0; from < text.length && rows.length < limit;) {
    const end = text.indexOf("\n", from);
    const line = text.slice(from, end < 0 ? text.length : end);
    if (line.trim() !== "") rows.push(JSON.parse(line));
    from = end < 0 ? text.length : end + 1;
  }
  return rows;
}

/** A JSON document, or lines under its name, as the Hub has them. */
function json(text: string, limit: number): unknown[] {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch {
    return lines(text, limit);
  }
  if (Array.isArray(whole)) return whole;
  const lists = isObject(whole) ? Object.values(whole).filter(Array.isArray) : [];
  // A file of one line is an object too.
  return lists.length === 1 && isObject(lists[0]![0]) ? lists[0]! : [whole];
}
