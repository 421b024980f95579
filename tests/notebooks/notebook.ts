/**
 * The committed notebooks: reading them, what must be true of them, and their code as TypeScript.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** What a cell shows, in the notebook format's words. */
export interface Output {
  readonly output_type: "stream" | "display_data" | "execute_result" | "error";
  readonly data?: Readonly<Record<string, unknown>>;
  readonly text?: string | readonly string[];
  readonly ename?: string;
  readonly evalue?: string;
  readonly metadata?: Record<string, unknown>;
}

/** A cell of text or code. */
export interface Cell {
  readonly id: string;
  readonly cell_type: "code" | "markdown" | "raw";
  readonly source: string | readonly string[];
  metadata: { any4?: { readonly expect?: Expectations }; [key: string]: unknown };
  outputs?: Output[];
  execution_count?: number | null;
}

/** Expressions, and the least and the largest number that they may be after the cell has run. */
export type Expectations = Readonly<Record<string, readonly [number, number]>>;

/** A notebook, as its file has it. */
export interface Notebook {
  readonly cells: Cell[];
  metadata: {
    readonly kernelspec?: { readonly name: string };
    readonly language_info?: { readonly name: string };
    /** What the outputs were made from. */
    any4?: { readonly code: string };
    [key: string]: unknown;
  };
  readonly nbformat: number;
  readonly nbformat_minor: number;
}

/** The notebooks' folder. */
export const FOLDER: URL = new URL("../../notebooks/", import.meta.url);

/** Bytes of a notebook that a web page still shows quickly. */
const MOST_BYTES = 1_000_000;

/** The notebooks' names without their ending, in order: "01_first_look" … */
export function notebookNames(): string[] {
  return [...Deno.readDirSync(FOLDER)].filter(({ name }) => name.endsWith(".ipynb"))
    .map(({ name }) => name.replace(/\.ipynb$/, "")).sort();
}

/** Reads a notebook of the folder. */
export function readNotebook(name: string): Notebook {
  return JSON.parse(Deno.readTextFileSync(new URL(`${name}.ipynb`, FOLDER)));
}

/** A notebook as its file has it, and as `deno fmt` leaves it. */
export function notebookText(notebook: Notebook): string {
  return JSON.stringify(notebook, null, 1) + "\n";
}

/** Lines as one text. */
export function textOf(lines: string | readonly string[] | undefined): string {
  return typeof lines === "string" ? lines : (lines ?? []).join("");
}

/** The code cells, and at which place among all cells each stands. */
export function codeCells({ cells }: Notebook): { cell: Cell; index: number }[] {
  return cells.map((cell, index) => ({ cell, index })).filter(({ cell }) => cell.cell_type === "code");
}

/** What stands for the code that outputs were made from. */
export function codeHash(notebook: Notebook): string {
  const hash = createHash("sha256");
  for (const { cell } of codeCells(notebook)) hash.update(textOf(cell.source)).update("\0");
  return hash.digest("hex").slice(0, 16);
}

/** Places on a machine, which a reader does not have. */
const MACHINE_PATH =
  /(?:file:\/\/\/|[^\w.\/](?:\/(?:home|root|Users|work|tmp|usr|opt|var|mnt)\/)|[A-Z]:\\\\?Users)[^"\s]*/;

/** A call that shows something. */
const SHOWS = /\bshow\(|\bconsole\.log\(|\bdisplay\(/;

/** What is wrong with a notebook as it is: in its metadata, its outputs, or in what they leave out. */
export function problems(notebook: Notebook, text: string = notebookText(notebook)): string[] {
  const found: string[] = [];
  const { metadata, nbformat, nbformat_minor } = notebook;
  if (nbformat !== 4 || nbformat_minor < 5) found.push("it is not of format 4.5, whose cells have ids");
  if (metadata.kernelspec?.name !== "deno") found.push('metadata.kernelspec.name is not "deno"');
  if (metadata.language_info?.name !== "typescript") {
    found.push('metadata.language_info.name is not "typescript"');
  }
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > MOST_BYTES) found.push(`it has ${bytes} bytes, more than ${MOST_BYTES}`);
  for (const { cell, index } of codeCells(notebook)) {
    const outputs = cell.outputs ?? [];
    for (const { output_type, ename, evalue } of outputs) {
      if (output_type === "error") found.push(`cell ${index} ends with ${ename}: ${evalue}`);
    }
    if (SHOWS.test(textOf(cell.source)) && outputs.length === 0) found.push(`cell ${index} shows nothing`);
    const path = MACHINE_PATH.exec(JSON.stringify(outputs));
    if (path) found.push(`an output of cell ${index} has a path of some machine: ${path[0].trim()}`);
    if (/plotly\.js v\d|Plotly\.newPlot/.test(JSON.stringify(outputs))) {
      found.push(`an output of cell ${index} has plotly.js inside`);
    }
  }
  return found;
}

/** What is wrong with a committed notebook: also whether its outputs are those of its code. */
export function committedProblems(name: string): string[] {
  const text = Deno.readTextFileSync(new URL(`${name}.ipynb`, FOLDER));
  const notebook = JSON.parse(text) as Notebook;
  const stale = notebook.metadata.any4?.code !== codeHash(notebook)
    ? [`its outputs are not those of its code: run deno task test:notebooks ${name} --write`]
    : [];
  return [...stale, ...problems(notebook, text), ...brokenLinks(notebook)];
}

/** Links to files that the project does not have; JupyterLab does not open links to folders either. */
export function brokenLinks(notebook: Notebook): string[] {
  return notebook.cells.flatMap(({ cell_type, source }, index) => {
    if (cell_type !== "markdown") return [];
    const links = textOf(source).matchAll(/\]\((?!https?:|#|attachment:)([^)#\s]+)/g);
    return Array.from(links, ([, link]) => link!).filter((link) => !isFile(new URL(link, FOLDER)))
      .map((link) => `cell ${index} links to ${link}, which is no file`);
  });
}

function isFile(path: URL): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * A notebook's code as a module that can be type-checked. Each cell is a block inside the cell before it, since a cell
 * may declare again what an earlier one has declared; imports go to the top. What a cell's metadata expect is in its block.
 */
export function moduleOf(notebook: Notebook): string {
  const imports: string[] = [];
  const cells = codeCells(notebook).map(({ cell, index }) => {
    const code = textOf(cell.source).replace(/^import\b[^;]*;/gm, (statement) => {
      imports.push(statement);
      return "";
    });
    const expected = Object.keys(cell.metadata.any4?.expect ?? {}).map((expression) =>
      `void (${expression});\n`
    );
    return `{ // cell ${index}\n${code}\n${expected.join("")}`;
  });
  return `${imports.join("\n")}\n${cells.join("")}${"}".repeat(cells.length)}\nexport {};\n`;
}
