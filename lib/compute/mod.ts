/**
 * Backends by name.
 *
 * @module
 */
import { DeviceError, OptionError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import { PlainBackend } from "./plain.ts";
import { WasmBackend } from "./wasm/backend.ts";
import { Pool, sharedPool } from "./wasm/pool.ts";
import { WebGpuBackend } from "./webgpu/backend.ts";

/** The backends that can be asked for; "auto" takes the best that this machine has. */
export const backendNames = ["auto", "webgpu", "wasm", "plain"] as const;

/** A backend's name. */
export type BackendName = typeof backendNames[number];

/** How a backend computes. */
export interface BackendOptions {
  /** Threads of the "wasm" backend; all models share one for each core when absent. */
  threads?: number;
  /**
   * Let the "wasm" backend decode with activations rounded to 8 bits: products of large packed matrices take little more
   * than half the time, and perplexity rises, by some hundredths of a percent on tinyworld, by 1 % on smaller models.
   */
  int8Activations?: boolean;
  /**
   * Let the "webgpu" backend time its kernels when products of a shape first come, and remember the fastest on disk; true
   * where the GPU is a real one, when absent.
   */
  tune?: boolean;
  /** Where the "webgpu" backend remembers them; `any4/kernels.json` in the user's cache folder when absent. */
  tunedFile?: string;
}

/**
 * Makes a backend: "auto" takes a real GPU, else WASM.
 *
 * @throws {OptionError} when the name is unknown, or `threads` is not a whole number of at least 1.
 * @throws {DeviceError} when "webgpu" is asked for and there is no GPU, not even a software one.
 */
export async function createBackend(
  name: BackendName = "auto",
  options: BackendOptions = {},
): Promise<Backend> {
  switch (name) {
    case "plain":
      return new PlainBackend();
    case "webgpu":
      return await WebGpuBackend.open(options);
    case "auto":
      return await realGpu(options) ?? wasm(options);
    case "wasm":
      return wasm(options);
    default:
      throw new OptionError(`Cannot find backend "${name}": expected one of ${backendNames.join(", ")}`);
  }
}

function wasm(options: BackendOptions): Backend {
  return new WasmBackend(
    options.threads === undefined ? sharedPool() : new Pool({ threads: options.threads }),
    { int8Activations: options.int8Activations },
  );
}

/** A backend on a real GPU, if there is one that works. */
async function realGpu(options: BackendOptions): Promise<Backend | undefined> {
  try {
    return await WebGpuBackend.open({ ...options, software: false });
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    if (error.cause) console.warn(`any4 computes on the CPU: ${error.message}`);
    return undefined;
  }
}
