/**
 * JupyterLab in a browser without a screen, for the test that does what a reader does.
 *
 * @module
 */
import type { Page } from "playwright-core";
import { jupyterEnv, labArgs } from "../../tasks/jupyter.ts";
import { startChromium } from "../chromium.ts";

/** A JupyterLab, and a page that shows it. */
export interface Lab extends AsyncDisposable {
  readonly page: Page;
}

/**
 * Opens a notebook in JupyterLab and waits for its kernel; disposing of the result ends both programs.
 *
 * @param path the notebook, from the project's root.
 */
export async function openLab(
  path: string,
  { python, browser }: { python: string; browser: string },
): Promise<Lab> {
  const port = freePort();
  const settings = ["--no-browser", `--ServerApp.port=${port}`, "--ServerApp.port_retries=0"]
    .concat(["--IdentityProvider.token=", "--LabApp.news_url=", "--LabApp.check_for_updates_class="]);
  // What a reader has set up must not change what is tested.
  const home = await Deno.makeTempDir({ prefix: "any4-lab-" });
  const own = { JUPYTER_CONFIG_DIR: home, JUPYTERLAB_SETTINGS_DIR: home, JUPYTERLAB_WORKSPACES_DIR: home };
  const server = new Deno.Command(python, {
    args: labArgs(settings),
    env: { ...jupyterEnv(), ...own },
    stdout: "null",
    stderr: "null",
  }).spawn();
  const close = async () => {
    server.kill("SIGTERM");
    await server.status;
    await Deno.remove(home, { recursive: true });
  };
  try {
    await answers(`http://127.0.0.1:${port}/api/status`);
    const shell = await startChromium(browser, ["--disable-gpu"]);
    const page = await shell.newPage({ viewport: { width: 1280, height: 1000 } });
    await page.goto(`http://127.0.0.1:${port}/lab/tree/${path}`);
    // The notebook itself looks idle before it has a kernel, and forgets what it is then told to run.
    await page.locator("#jp-main-statusbar", { hasText: "Deno | Idle" }).waitFor();
    return {
      page,
      async [Symbol.asyncDispose]() {
        await shell.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return (listener.addr as Deno.NetAddr).port;
}

/** Waits until a server answers. */
async function answers(url: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (true) {
    try {
      const response = await fetch(url);
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // Not yet.
    }
    if (Date.now() > end) throw new Error(`${url} did not answer in a minute`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
