import { assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "any4";
import { findJupyter, hasKernel, installKernel, jupyterEnv } from "../../tasks/jupyter.ts";
import { FIRST_NOTEBOOK, makeNotesFolder } from "../../tasks/notes_folder.ts";
import { inFolder } from "../in_folder.ts";
import { codeCells, type Notebook, textOf } from "../notebooks/notebook.ts";

const root = new URL("../../", import.meta.url);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("in a folder of one's own the library's imports resolve", () =>
  inFolder(async (folder) => {
    makeNotesFolder(`${folder}/notes`);
    const notebook: Notebook = JSON.parse(Deno.readTextFileSync(`${folder}/notes/${FIRST_NOTEBOOK}`));
    const code = codeCells(notebook).map(({ cell }) => textOf(cell.source)).join("\n");
    Deno.writeTextFileSync(`${folder}/notes/cells.ts`, code);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-all", "cells.ts"],
      cwd: `${folder}/notes`,
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(/any4 {2,}\d/.test(text(stdout)), true, text(stdout) + text(stderr));
  }));

Deno.test("notes are not made where something is already", () =>
  inFolder((folder) => {
    makeNotesFolder(`${folder}/notes`);
    assertThrows(() => makeNotesFolder(`${folder}/notes`), OptionError, "it is not empty");
  }));

const jupyter = findJupyter();
Deno.test({
  name: `a notebook in a folder of one's own runs in Jupyter${
    jupyter ? "" : " (ignored: no Jupyter; deno task lab --install gets it)"
  }`,
  ignore: jupyter === undefined || jupyter.missing.includes("nbclient"),
  fn: () =>
    inFolder(async (folder) => {
      if (!hasKernel()) installKernel();
      makeNotesFolder(`${folder}/notes`);
      const { stdout, stderr } = await new Deno.Command(jupyter!.python, {
        args: ["tests/notebooks/run.py", `${folder}/notes/${FIRST_NOTEBOOK}`, `${folder}/run.ipynb`],
        cwd: root,
        env: jupyterEnv(),
      }).output();
      assertEquals(JSON.parse(text(stdout) || "{}").error, null, text(stderr));
      const run: Notebook = JSON.parse(Deno.readTextFileSync(`${folder}/run.ipynb`));
      assertEquals(codeCells(run).at(-1)!.cell.outputs!.length, 1);
    }),
});
