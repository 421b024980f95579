/**
 * A Python that has some package: that of ANY4_CLIENTS, a folder with a virtual environment, or of .venv-clients.
 *
 * @module
 */

const FOLDERS = [Deno.env.get("ANY4_CLIENTS") ?? "", `${import.meta.dirname}/../../.venv-clients`];

/** Its program; undefined where no package of that name is installed. */
export function findPython(module: string): string | undefined {
  return FOLDERS.filter((folder) => folder !== "").map((folder) => `${folder}/bin/python`).find((python) => {
    try {
      return new Deno.Command(python, { args: ["-c", `import ${module}`] }).outputSync().success;
    } catch {
      return false;
    }
  });
}
