/**
 * Jupyter for this project: finding it, checking its packages, installing it. All of it is in the project's .venv; the
 * user's own kernels and packages stay as they are.
 *
 * @module
 */

/** The folder of the project. */
export const root: string = decodeURIComponent(new URL("../", import.meta.url).pathname).replace(
  /^\/([A-Z]:)/,
  "$1",
);
const windows = Deno.build.os === "windows";
const venv = `${root}.venv`;
const venvPython = windows ? `${venv}/Scripts/python.exe` : `${venv}/bin/python`;
/** One of Jupyter's search paths for kernels. */
const data = `${venv}/share/jupyter`;
const kernelFile = `${data}/kernels/deno/kernel.json`;

/** JupyterLab, the runner of notebooks in tests, the converter to HTML, and JupyterLab's plotly. */
const PACKAGES = ["jupyterlab", "nbclient", "nbconvert", "plotly"] as const;

/** A Jupyter installation. */
export interface Jupyter {
  /** Its Python. */
  readonly python: string;
  /** Its packages that are missing. */
  readonly missing: readonly string[];
}

/** The environment in which Jupyter finds this project's kernel. */
export function jupyterEnv(): Record<string, string> {
  const paths = [data, Deno.env.get("JUPYTER_PATH") ?? ""].filter((path) => path !== "");
  return { JUPYTER_PATH: paths.join(windows ? ";" : ":") };
}

/**
 * The arguments for Python to start JupyterLab with the notebook that leads to all others.
 *
 * The project is the root. If JupyterLab is told to open a file, its root is the file's folder, and links to `../lib` break.
 *
 * @param more further arguments, which override these.
 * @param start another folder, and the notebook in it.
 */
export function labArgs(
  more: readonly string[] = [],
  start: { folder: string; notebook: string } = { folder: root, notebook: "notebooks/00_index.ipynb" },
): string[] {
  return [
    "-m",
    "jupyterlab",
    // Containers often have no other user.
    ...(!windows && Deno.uid() === 0 ? ["--allow-root"] : []),
    `--ServerApp.root_dir=${start.folder}`,
    `--LabApp.default_url=/lab/tree/${start.notebook}`,
    ...more,
  ];
}

/** The project's own Jupyter, else the system's; undefined if neither has JupyterLab. */
export function findJupyter(): Jupyter | undefined {
  for (const python of [venvPython, "python3", "python"]) {
    const missing = missingPackages(python);
    if (missing && !missing.includes("jupyterlab")) return { python, missing };
  }
  return undefined;
}

/** The versions of Jupyter's packages in .venv, by name, without asking Python; empty if there are none. */
export function ownPackages(): Map<string, string> {
  const found = new Map<string, string>();
  const folders = windows ? [`${venv}/Lib`] : names(`${venv}/lib`).map((name) => `${venv}/lib/${name}`);
  for (const entry of folders.flatMap((folder) => names(`${folder}/site-packages`))) {
    const [, name = "", version = ""] = /^(.+)-([^-]+)\.dist-info$/.exec(entry) ?? [];
    if (PACKAGES.some((needed) => needed === name)) found.set(name, version);
  }
  return found;
}

/** The packages that {@linkcode ownPackages} lacks. */
export function missingOwnPackages(): string[] {
  const own = ownPackages();
  return PACKAGES.filter((name) => !own.has(name));
}

/** The names in a folder; none if it is not there. */
function names(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** The packages that a Python lacks; undefined if there is no such Python. */
function missingPackages(python: string): string[] | undefined {
  const names = PACKAGES.map((name) => `"${name}"`).join(",");
  const code = `import importlib.util as u; print(" ".join(n for n in (${names}) if u.find_spec(n) is None))`;
  const { success, stdout } = run(python, ["-c", code]);
  return success ? stdout.split(/\s+/).filter((name) => name !== "") : undefined;
}

/**
 * Installs the project's own Jupyter with uv or pip; if that fails, uses the system's.
 *
 * @param say receives a line about each step.
 * @throws {Error} when every attempt fails, with their messages.
 */
export function makeJupyter(say: (line: string) => void): Jupyter {
  const found = findJupyter();
  if (found && found.missing.length === 0) return found;
  const errors: string[] = [];
  for (const [tool, steps] of waysToInstall()) {
    say(
      `Installing ${
        PACKAGES.join(", ")
      } into .venv with ${tool}: this can take a few minutes the first time.`,
    );
    const failed = steps.map(([program, ...args]) => ({ program, args })).find(({ program, args }) => {
      const { success, stderr } = run(program!, args);
      if (!success) errors.push(`${tool}: ${stderr.trim().split("\n").at(-1)}`);
      return !success;
    });
    if (!failed) return { python: venvPython, missing: missingPackages(venvPython) ?? [...PACKAGES] };
  }
  // Offline, a JupyterLab without plotly still shows static pictures.
  if (found) return found;
  throw new Error(
    `Cannot install Jupyter, and the system has none. Install JupyterLab, and try again.\n${
      errors.join("\n")
    }`,
  );
}

/** Commands to run one after the other, by tool. */
function waysToInstall(): [string, string[][]][] {
  const hasVenv = run(venvPython, ["--version"]).success;
  const ways: [string, string[][]][] = [];
  if (run("uv", ["--version"]).success) {
    const make = hasVenv ? [] : [["uv", "venv", "--quiet", venv]];
    ways.push(["uv", [...make, ["uv", "pip", "install", "--quiet", "--python", venvPython, ...PACKAGES]]]);
  }
  const python = ["python3", "python"].find((name) => run(name, ["--version"]).success);
  if (python || hasVenv) {
    const make = hasVenv ? [] : [[python!, "-m", "venv", venv]];
    ways.push(["pip", [...make, [venvPython, "-m", "pip", "install", "--quiet", ...PACKAGES]]]);
  }
  return ways;
}

/** The kernel's specification: this Deno, interrupted by messages, since a signal would kill it. */
function kernelSpec(): string {
  const runtime = Deno.env.get("XDG_RUNTIME_DIR") ?? (windows ? "" : "/tmp");
  return JSON.stringify(
    {
      argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
      display_name: "Deno",
      language: "typescript",
      interrupt_mode: "message",
      // Software Vulkan requires it.
      env: runtime === "" ? {} : { XDG_RUNTIME_DIR: runtime },
    },
    null,
    2,
  ) + "\n";
}

/** Whether the kernel is installed and starts this Deno. */
export function hasKernel(): boolean {
  try {
    return Deno.readTextFileSync(kernelFile) === kernelSpec();
  } catch {
    return false;
  }
}

/** Installs the kernel for this project. */
export function installKernel(): void {
  Deno.mkdirSync(kernelFile.replace(/\/[^/]*$/, ""), { recursive: true });
  Deno.writeTextFileSync(kernelFile, kernelSpec());
}

/** Runs a program and returns its output; not successful if there is no such program. */
function run(program: string, args: readonly string[]): { success: boolean; stdout: string; stderr: string } {
  try {
    const { success, stdout, stderr } = new Deno.Command(program, { args: [...args] }).outputSync();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { success, stdout: text(stdout), stderr: text(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { success: false, stdout: "", stderr: `there is no ${program}` };
    }
    throw error;
  }
}
