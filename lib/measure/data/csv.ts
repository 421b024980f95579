/**
 * Comma-separated values, as RFC 4180 has them.
 *
 * @module
 */

/**
 * The records of a CSV text by the names in its first line.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseCsv('a,b\n1,"x, ""y"""\n'), [{ a: "1", b: 'x, "y"' }]);
 * ```
 */
export function parseCsv(text: string): Record<string, string>[] {
  const records: string[][] = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  while (field.lastIndex < text.length) {
    const found = field.exec(text);
    if (!found) throw new SyntaxError("a quoted field does not end");
    records.at(-1)!.push(found[1]?.replaceAll('""', '"') ?? found[2]!);
    if (found[3] !== "," && field.lastIndex < text.length) records.push([]);
  }
  const [names = [], ...rows] = records;
  for (const [i, row] of rows.entries()) {
    if (row.length !== names.length) {
      throw new SyntaxError(`record ${i + 1} has ${row.length} fields, expected ${names.length}`);
    }
  }
  return rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i]!, value])));
}
