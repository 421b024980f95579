import { assert, assertEquals } from "@std/assert";
import { readmeTable } from "../bench/equal_bits_picture.ts";

const root = new URL("../", import.meta.url);
const readme = Deno.readTextFileSync(new URL("README.md", root));

/** A row of a Markdown table, without what pads its cells. */
const cells = (line: string) =>
  line.replaceAll("\u00a0", " ").split("|").map((cell) => cell.trim()).join("|");

Deno.test("the README's table says what was measured", () => {
  const lines = new Set(readme.split("\n").filter((line) => line.startsWith("|")).map(cells));
  for (const [i, line] of readmeTable().entries()) {
    // Of the second line, the formatter decides the length.
    if (i !== 1) assertEquals([line, lines.has(cells(line))], [line, true]);
  }
});

Deno.test("pictures and links of the README are there", () => {
  const paths = [
    ...readme.matchAll(/(?:src|srcset)="([^"]+)"/g),
    ...readme.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g),
  ].map(([, path]) => path!).filter((path) => !path.startsWith("http"));
  assert(paths.length > 5);
  for (const path of paths) assert(Deno.statSync(new URL(path, root)), path);
});
