/**
 * `deno task check` runs this: committed notebooks must be what their code makes, and their code must have right types.
 *
 * @module
 */
import { committedProblems, moduleOf, notebookNames, readNotebook } from "./notebook.ts";

const root = new URL("../../", import.meta.url);
const folder = new URL("out/notebooks/types/", root);
const names = notebookNames();

let wrong = false;
for (const name of names) {
  for (const problem of committedProblems(name)) {
    console.error(`notebooks/${name}.ipynb: ${problem}`);
    wrong = true;
  }
}
// Beside nothing that is stored, so that the project's deno.json holds for them.
Deno.mkdirSync(folder, { recursive: true });
const files = names.map((name) => {
  const file = `out/notebooks/types/${name}.ts`;
  Deno.writeTextFileSync(new URL(file, root), moduleOf(readNotebook(name)));
  return file;
});
if (files.length > 0) {
  const { success } = new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...files],
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  })
    .outputSync();
  wrong ||= !success;
}
if (wrong) Deno.exit(1);
