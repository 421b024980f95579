/**
 * `deno task lab`: JupyterLab with this project's kernel.
 *
 * @module
 */
import { findJupyter, hasKernel, installKernel, jupyterEnv, makeJupyter } from "./jupyter.ts";
import { command } from "./cli.ts";

const FIRST = "notebooks/01_first_look.ipynb";

const parsed = command("lab", "Open JupyterLab on the notebooks; make what is missing for that in .venv.")
  .option("--check", "only say what is there and what is missing; status 1 if anything is")
  .option("--install", "make what is missing, and stop there")
  .argument("[arguments...]", "what else JupyterLab is told, behind --: -- --no-browser --port 9000")
  .parse(Deno.args.filter((arg, i) => arg !== "--" || i !== 0), { from: "user" });
const options = parsed.opts<{ check?: true; install?: true }>();

if (options.check) {
  const found = findJupyter();
  const kernel = hasKernel();
  console.log(`JupyterLab: ${found ? `with ${found.python}` : "missing"}`);
  if (found) {
    console.log(`packages:   ${found.missing.length > 0 ? `${found.missing.join(", ")} missing` : "all"}`);
  }
  console.log(`kernel:     ${kernel ? `starts ${Deno.execPath()}` : "missing, or for another Deno"}`);
  const whole = found?.missing.length === 0 && kernel;
  if (!whole) console.log("deno task lab makes what is missing.");
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
    `Using the Jupyter of ${python}, which lacks ${missing.join(", ")}: figures stand still without plotly.`,
  );
}
if (!hasKernel()) installKernel();
if (options.install) Deno.exit(0);

// Jupyter gets the interrupt too, asks whether it is meant, and then ends.
Deno.addSignalListener("SIGINT", () => {});
const lab = new Deno.Command(python, {
  args: [
    "-m",
    "jupyterlab",
    // Containers often have no other user.
    ...(Deno.build.os !== "windows" && Deno.uid() === 0 ? ["--allow-root"] : []),
    ...parsed.args,
    FIRST,
  ],
  cwd: new URL("../", import.meta.url),
  env: jupyterEnv(),
}).spawn();
Deno.exit((await lab.status).code);
