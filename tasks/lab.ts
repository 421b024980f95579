/**
 * `deno task lab`: JupyterLab with this project's kernel.
 *
 * @module
 */
import { findJupyter, hasKernel, installKernel, jupyterEnv, labArgs, makeJupyter } from "./jupyter.ts";
import { command, main, print } from "./cli.ts";
import { FIRST_NOTEBOOK, makeNotesFolder } from "./notes_folder.ts";

const parsed = command(
  "lab",
  "Open JupyterLab on the notebooks. Whatever is missing is installed into .venv.",
)
  .option("--check", "only report what is there and what is missing; status 1 if anything is missing")
  .option("--install", "install what is missing, then stop")
  .option("--new <folder>", "make a folder for notebooks of your own, and open that")
  .argument("[arguments...]", "further arguments of JupyterLab, after --: -- --no-browser --port 9000")
  .parse(Deno.args, { from: "user" });
const options = parsed.opts<{ check?: true; install?: true; new?: string }>();

await main(async () => {
  const notes = options.new;
  if (notes !== undefined) {
    makeNotesFolder(notes);
    print(`${notes} has a first notebook, ${FIRST_NOTEBOOK}.`);
  }
  if (options.check) {
    const found = findJupyter();
    const kernel = hasKernel();
    print(`JupyterLab: ${found ? `with ${found.python}` : "missing"}`);
    if (found) {
      print(`packages:   ${found.missing.length > 0 ? `${found.missing.join(", ")} missing` : "all"}`);
    }
    print(`kernel:     ${kernel ? `starts ${Deno.execPath()}` : "missing, or of another Deno"}`);
    print(`starts:     ${[found?.python ?? "python", ...labArgs(parsed.args)].join(" ")}`);
    const whole = found?.missing.length === 0 && kernel;
    if (!whole) print("deno task lab installs what is missing.");
    Deno.exit(whole ? 0 : 1);
  }

  const { python, missing } = (() => {
    try {
      return makeJupyter(console.error);
    } catch (error) {
      console.error((error as Error).message);
      Deno.exit(1);
    }
  })();
  if (missing.length > 0) {
    console.error(
      `Using the Jupyter of ${python}, which lacks ${
        missing.join(", ")
      }; without plotly, figures are static.`,
    );
  }
  if (!hasKernel()) installKernel();
  if (options.install) Deno.exit(0);

  // Jupyter receives the interrupt too, asks for confirmation, and exits.
  Deno.addSignalListener("SIGINT", () => {});
  const lab = new Deno.Command(python, {
    args: labArgs(
      parsed.args,
      notes ? { folder: Deno.realPathSync(notes), notebook: FIRST_NOTEBOOK } : undefined,
    ),
    cwd: new URL("../", import.meta.url),
    env: jupyterEnv(),
  }).spawn();
  Deno.exit((await lab.status).code);
});
