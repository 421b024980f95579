/**
 * The worker of run_python.ts: starts Python, gives up its permissions, runs one program.
 *
 * @module
 */
/// <reference lib="deno.worker" />

/** 512 MiB in pages of WebAssembly's memory. */
const MOST_PAGES = 2 ** 29 / 2 ** 16;

const started = Promise.withResolvers<{ runPython(program: string, options: object): unknown }>();
let first = true;

self.onmessage = async ({ data }) => {
  if (first) {
    first = false;
    return await start(data);
  }
  const python = await started.promise;
  try {
    python.runPython(data, { filename: "program.py" });
    self.postMessage("passed");
  } catch {
    self.postMessage("failed");
  }
};

/** Starts Python; says "ready", or why it cannot. */
async function start({ folder }: { folder: string }): Promise<void> {
  try {
    const { loadPyodide } = await import("npm:pyodide@314.0.7");
    limitMemory();
    const silent = () => {};
    // No name of JavaScript is visible in Python.
    const python = await loadPyodide({ jsglobals: {}, stdout: silent, stderr: silent, stdin: () => null });
    python.runPython("import sys; sys.modules['pyodide_js'] = None; del sys");
    const left = Deno.permissions.revokeSync({ name: "read", path: folder });
    if (left.state === "granted") throw new Error("the permission to read stays");
    started.resolve(python);
    self.postMessage("ready");
  } catch (error) {
    self.postMessage((error as Error).message);
  }
}

/** Python's memory grows by this function alone; when it fails, Python raises a MemoryError. */
function limitMemory(): void {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (pages) {
    if (this.buffer.byteLength / 2 ** 16 + Number(pages) > MOST_PAGES) throw new RangeError("out of memory");
    return grow.call(this, pages);
  };
}
