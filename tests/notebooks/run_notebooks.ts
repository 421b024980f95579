/**
 * `deno task test:notebooks [names…] [--write]` runs notebooks in a real kernel.
 *
 * @module
 */
import { assertEquals, assertLess } from "@std/assert";
import { findJupyter, hasKernel, installKernel, jupyterEnv } from "../../tasks/jupyter.ts";
import { formatted } from "./format.ts";
import {
  type Cell,
  codeCells,
  codeHash,
  FOLDER,
  type Notebook,
  notebookNames,
  notebookText,
  type Output,
  problems,
  readNotebook,
  textOf,
} from "./notebook.ts";

const root = new URL("../../", import.meta.url);
const OUT = "out/notebooks";
/** Seconds: twice what a notebook may take on two cores that have nothing else to do. */
const MOST_SECONDS = 240;

const write = Deno.args.includes("--write");
const wanted = Deno.args.filter((arg) => !arg.startsWith("--"));
const names = notebookNames().filter((name) =>
  wanted.length === 0 || wanted.some((part) => name.includes(part.replace(/^.*\/|\.ipynb$/g, "")))
);
if (names.length === 0) throw new Error(`No notebook's name has ${wanted.join(" or ")} in it`);

const jupyter = findJupyter();
const lacking = jupyter === undefined
  ? "no Jupyter"
  : jupyter.missing.includes("nbclient")
  ? "no nbclient"
  : undefined;
const why = lacking ? ` (ignored: ${lacking}; deno task lab --install gets it)` : "";

/** What run.py says. */
interface Run {
  readonly seconds: number;
  readonly error: string | null;
  readonly expected: readonly {
    readonly cell: number;
    readonly expression: string;
    readonly value: unknown;
  }[];
}

for (const name of names) {
  Deno.test({
    name: `notebook ${name} runs from top to bottom${why}`,
    ignore: lacking !== undefined,
    fn: () => runNotebook(name),
  });
}

async function runNotebook(name: string): Promise<void> {
  const source = new URL(`${name}.ipynb`, FOLDER);
  // What is shown is then made by the code as it stands.
  if (write) await Deno.writeTextFile(source, await formatted(await Deno.readTextFile(source)));
  if (!hasKernel()) installKernel();
  await Deno.mkdir(new URL(OUT, root), { recursive: true });
  const file = `${OUT}/${name}.ipynb`;
  const { success, stdout, stderr } = await new Deno.Command(jupyter!.python, {
    args: ["tests/notebooks/run.py", `notebooks/${name}.ipynb`, file],
    cwd: root,
    env: jupyterEnv(),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`run.py failed:\n${text(stderr)}`);
  const { seconds, error, expected } = JSON.parse(text(stdout)) as Run;
  if (error !== null) throw new Error(error);
  assertLess(seconds, MOST_SECONDS);

  const executed = JSON.parse(await Deno.readTextFile(new URL(file, root))) as Notebook;
  const original = readNotebook(name);
  const made = withOutputs(original, executed);
  assertEquals(problems(made), []);
  assertEquals(unexpected(original, expected), []);
  if (write) await Deno.writeTextFile(source, await formatted(notebookText(made)));
}

/**
 * The original with the executed copy's outputs, less what differs from run to run for no reason. Where a cell says that it could
 * not run here, for want of a model or a program, it keeps the outputs that it has.
 *
 * @throws {Error} when those are of other code.
 */
function withOutputs(original: Notebook, executed: Notebook): Notebook {
  const cells = original.cells.map((cell, i): Cell => {
    if (cell.cell_type !== "code") return cell;
    const { outputs = [], execution_count } = executed.cells[i]!;
    if (notRun(outputs) && !notRun(cell.outputs ?? [])) {
      if (original.metadata.any4?.code === codeHash(original)) return cell;
      throw new Error(
        `Cell ${i} could not run here, and its outputs are those of other code: run it where it can`,
      );
    }
    return { ...cell, execution_count, outputs: outputs.map(withoutMetadata) };
  });
  return { ...original, cells, metadata: { ...original.metadata, any4: { code: codeHash(original) } } };
}

/** Whether a cell says that it could not run. */
function notRun(outputs: readonly Output[]): boolean {
  return outputs.some(({ data }) =>
    /^Not run: /.test(textOf(data?.["text/plain"] as string | string[] | undefined))
  );
}

function withoutMetadata(output: Output): Output {
  return "metadata" in output ? { ...output, metadata: {} } : output;
}

/** Values that are not in the range that their cells' metadata say. */
function unexpected(notebook: Notebook, expected: Run["expected"]): string[] {
  const values = new Map(expected.map(({ cell, expression, value }) => [`${cell} ${expression}`, value]));
  return codeCells(notebook).flatMap(({ cell, index }) =>
    Object.entries(cell.metadata.any4?.expect ?? {}).flatMap(([expression, [least, most]]) => {
      const value = values.get(`${index} ${expression}`);
      const fits = typeof value === "number" && value >= least && value <= most;
      return fits ? [] : [`cell ${index}: ${expression} is ${value}, expected from ${least} to ${most}`];
    })
  );
}
