/**
 * Checks how the library is built: no circle of imports, no import that runs up between folders, no folder over its budget of
 * lines. Prints the folders from the bottom to the top.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { table } from "../lib/terminal/table.ts";

/**
 * Folders from the bottom to the top, and the lines of code that each may have; comments and blank lines are free. A file belongs
 * to the longest of these names that its path begins with, and imports from its own folder and from those above it in this list.
 * Who needs more lines raises the budget in the same commit.
 */
const FOLDERS: Readonly<Record<string, number>> = {
  "lib": 320,
  "lib/terminal": 375,
  "lib/jinja": 3000,
  "lib/matrix": 520,
  "lib/formats": 330,
  "lib/files": 1550,
  "lib/learn": 2150,
  "kernels/wgsl": 3023,
  "lib/compute": 4651,
  "lib/hub": 1200,
  "lib/model/decoder": 1320,
  "lib/model/architectures": 1350,
  "lib/model/tokenizer": 1950,
  "lib/model/gguf": 1300,
  "lib/model/checkpoint": 1020,
  "lib/model": 790,
  "lib/tune": 1023,
  "lib/quantize": 3450,
  "lib/measure": 2770,
  "lib/show": 2720,
  "lib/serve": 1700,
};

/** The files that each file imports. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** Files that import one another in circles, and those on the way between two circles. */
export function circles(imports: Imports): string[] {
  let left = [...imports.keys()];
  for (let before = Infinity; left.length < before;) {
    before = left.length;
    const some = new Set(left);
    const imported = new Set(left.flatMap((file) => imports.get(file)!));
    left = left.filter((file) => imported.has(file) && imports.get(file)!.some((other) => some.has(other)));
  }
  return left.sort();
}

/** Imports of a file in a later folder, as "importer → imported". */
export function upward(imports: Imports, folders: readonly string[]): string[] {
  const floor = (file: string) => folders.indexOf(folderOf(file, folders));
  return Array.from(
    imports,
    ([file, others]) =>
      others.filter((other) => floor(other) > floor(file)).map((other) => `${file} → ${other}`),
  ).flat();
}

/** The folder of a list that a file belongs to. */
export function folderOf(file: string, folders: readonly string[]): string {
  const [found] = folders.filter((folder) => file.startsWith(`${folder}/`)).sort((a, b) =>
    b.length - a.length
  );
  if (found === undefined) throw new Error(`${file} is in no folder that tests/house.ts knows`);
  return found;
}

/** Lines of a program that are neither blank nor comments alone. */
export function codeLines(text: string): number {
  const bare = text.replaceAll(/^\s*\/\*\*?[^]*?\*\/\s*$/gm, "").replaceAll(/^\s*\/\/.*$/gm, "");
  return bare.split("\n").filter((line) => line.trim() !== "").length;
}

/** Relative imports of a program, types and programs in comments apart. */
function importsOf(file: string, text: string): string[] {
  return Array.from(
    text.matchAll(/^(?:import|(?:import|export|\}).* from) "(\.{1,2}\/[^"]+)"/gm),
    ([, path]) => join(dirname(file), path!),
  );
}

/** TypeScript files below a folder. */
function* filesBelow(folder: string): Iterable<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesBelow(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}

if (import.meta.main) {
  Deno.chdir(`${import.meta.dirname}/..`);
  const folders = Object.keys(FOLDERS);
  const files = ["lib", "kernels/wgsl"].flatMap((folder) => [...filesBelow(folder)]);
  const texts = new Map(files.map((file) => [file, Deno.readTextFileSync(file)]));
  const imports = new Map(
    Array.from(texts, ([file, text]) => [file, importsOf(file, text).filter((other) => texts.has(other))]),
  );
  const rooms = Map.groupBy(texts, ([file]) => folderOf(file, folders));
  const faults = [
    ...circles(imports).map((file) => `imports itself in a circle: ${file}`),
    ...upward(imports, folders).map((one) => `imports run up: ${one}`),
  ];
  const sum = { files: 0, lines: 0, code: 0, budget: 0 };
  const rows = folders.filter((folder) => rooms.has(folder)).map((folder) => {
    const files = rooms.get(folder)!;
    const lines = files.reduce((all, [, text]) => all + text.split("\n").length - 1, 0);
    const code = files.reduce((all, [, text]) => all + codeLines(text), 0);
    const budget = FOLDERS[folder]!;
    if (code > budget) {
      faults.push(`is over its budget: ${folder} has ${code} lines of code, at most ${budget}`);
    }
    for (const [key, value] of Object.entries({ files: files.length, lines, code, budget })) {
      sum[key as keyof typeof sum] += value;
    }
    return [folder, files.length, lines, code, budget].map(String);
  });
  const right = { align: "right" as const };
  console.log(table(
    [{ title: "folder" }, { title: "files", ...right }, { title: "lines", ...right }, {
      title: "of code",
      ...right,
    }, { title: "budget", ...right }],
    [...rows, ["all", sum.files, sum.lines, sum.code, sum.budget].map(String)],
  ));
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) Deno.exit(1);
}
