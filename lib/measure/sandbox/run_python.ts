/**
 * Running Python programs that nobody has read: in Pyodide, in a worker without any permission, for a limited time.
 *
 * @module
 */
import { createRequire } from "node:module";
import { KernelError } from "../../errors.ts";
import { type Abortable, waitFor } from "../../event_loop.ts";

/** What became of a program: it ended without an error, raised one, or was stopped. */
export type Ran = "passed" | "failed" | "timed out";

/** Options of {@linkcode runPython}. */
export interface PythonOptions extends Abortable {
  /** Seconds that the program may run; 3 when absent, as HumanEval has it. */
  seconds?: number;
}

/** Seconds that Python may take to start. */
const START_SECONDS = 120;

/**
 * Runs a Python program. It has no files but those of Python's own library in memory, no network, no environment, at most 512 MiB
 * of memory, and its own interpreter, which is thrown away.
 *
 * @throws {KernelError} when Python cannot start.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { runPython } from "any4/measure";
 * assertEquals(await runPython("assert 1 + 1 == 3"), "failed");
 * ```
 */
export async function runPython(program: string, options: PythonOptions = {}): Promise<Ran> {
  const { seconds = 3, signal } = options;
  const worker = await start();
  try {
    signal?.throwIfAborted();
    const answer = once(worker, seconds);
    worker.postMessage(program);
    const ran = await waitFor(answer);
    return ran === "passed" || ran === "timed out" ? ran : "failed";
  } finally {
    worker.terminate();
  }
}

/** Starts a worker with Python. */
async function start(): Promise<Worker> {
  const folder = await pyodideFolder();
  const worker = newWorker(folder);
  const answer = once(worker, START_SECONDS);
  worker.postMessage({ folder });
  const ready = await waitFor(answer);
  if (ready === "ready") return worker;
  worker.terminate();
  throw new KernelError(`Cannot start Python: ${ready}`);
}

/** A worker that may read Python's own library while it starts, and gives that up before it runs anything. */
function newWorker(folder: string): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    deno: {
      permissions: {
        read: [folder],
        env: false,
        net: false,
        run: false,
        write: false,
        sys: false,
        ffi: false,
        import: false,
      },
    },
  });
}

/** The folder of Pyodide's files. */
async function pyodideFolder(): Promise<string> {
  // A package that nothing has imported yet is not resolved.
  await import("npm:pyodide@314.0.7");
  const path = createRequire(import.meta.url).resolve("pyodide");
  return path.slice(0, path.lastIndexOf("/"));
}

/** A worker's next message, its error, or "timed out" if neither comes in time. */
function once(worker: Worker, seconds: number): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("timed out"), 1000 * seconds);
    const settle = (message: string) => {
      clearTimeout(timer);
      resolve(message);
    };
    worker.onmessage = ({ data }) => settle(String(data));
    worker.onmessageerror = () => settle("an answer that cannot be read");
    worker.onerror = (event) => {
      event.preventDefault();
      settle(event.message);
    };
  });
}
