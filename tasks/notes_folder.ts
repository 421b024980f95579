/**
 * A folder for notebooks of one's own, in which `import … from "any4"` works.
 *
 * @module
 */
import { relative, resolve } from "node:path";
import { OptionError } from "any4";
import { root } from "./jupyter.ts";

/** The notebook that it begins with. */
export const FIRST_NOTEBOOK = "notes.ipynb";

/**
 * Makes the folder: a deno.json whose imports are this project's, and a first notebook.
 *
 * @throws {OptionError} when there is something of that name that is not an empty folder.
 */
export function makeNotesFolder(folder: string): void {
  Deno.mkdirSync(folder, { recursive: true });
  if (!Deno.readDirSync(folder).next().done) {
    throw new OptionError(`Cannot make notes in ${folder}: it is not empty`);
  }
  const { imports, unstable } = JSON.parse(Deno.readTextFileSync(`${root}deno.json`)) as {
    imports: Record<string, string>;
    unstable: string[];
  };
  const own = Object.entries(imports).filter(([name]) => /^any4(\/|$)/.test(name)).map(([name, file]) => {
    const path = relative(resolve(folder), resolve(root, file)).replaceAll("\\", "/");
    return [name, path.startsWith(".") ? path : `./${path}`];
  });
  const write = (name: string, value: unknown) =>
    Deno.writeTextFileSync(`${folder}/${name}`, JSON.stringify(value, null, 2) + "\n");
  write("deno.json", { imports: Object.fromEntries(own), unstable, lock: false });
  write(FIRST_NOTEBOOK, notebook());
}

function notebook() {
  const text = (source: string) => ({ id: "about", cell_type: "markdown", source, metadata: {} });
  const code = (id: string, source: string) => (
    { id, cell_type: "code", source, metadata: {}, outputs: [], execution_count: null }
  );
  return {
    cells: [
      text(
        "# Notes\n\nThe folder's `deno.json` says where any4 is. Move the folder, and mend the paths in there.",
      ),
      code(
        "load",
        'import { any4, loadModel, show } from "any4";\n\nconst model = await loadModel("tinyworld");',
      ),
      code("quantize", "const small = await any4(model);\nawait show(small);"),
    ],
    metadata: {
      kernelspec: { display_name: "Deno", language: "typescript", name: "deno" },
      language_info: { file_extension: ".ts", mimetype: "text/x.typescript", name: "typescript" },
    },
    nbformat: 4,
    nbformat_minor: 5,
  };
}
