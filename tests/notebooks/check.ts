/**
 * `deno task check` runs this: committed notebooks must be what their code makes, and their code must have right types.
 *
 * @module
 */
import { formatted } from "./format.ts";
import { committedProblems, FOLDER, moduleOf, notebookNames, readNotebook } from "./notebook.ts";

const root = new URL("../../", import.meta.url);
const names = notebookNames();

let wrong = false;
for (const name of names) {
  const text = Deno.readTextFileSync(new URL(`${name}.ipynb`, FOLDER));
  const unformatted = await formatted(text) === text
    ? []
    : [`it is not formatted: deno task test:notebooks ${name} --write does that too`];
  for (const problem of [...unformatted, ...committedProblems(name)]) {
    console.error(`notebooks/${name}.ipynb: ${problem}`);
    wrong = true;
  }
}
// Not inside the project, where other checks would find them; its deno.json is theirs all the same.
const folder = Deno.makeTempDirSync({ prefix: "any4-notebooks-" });
const files = names.map((name) => {
  const file = `${folder}/${name}.ts`;
  Deno.writeTextFileSync(file, moduleOf(readNotebook(name)));
  return file;
});
if (files.length > 0) {
  const { success } = new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--config", "deno.json", ...files],
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  }).outputSync();
  wrong ||= !success;
}
Deno.removeSync(folder, { recursive: true });
if (wrong) Deno.exit(1);
