/**
 * Backends by name.
 *
 * @module
 */
import { DeviceError, OptionError } from "../errors.ts";
import { type ActivationType, activationTypes, type Backend } from "./backend.ts";
import { PlainBackend } from "./plain.ts";
import { WasmBackend } from "./wasm/backend.ts";
import { Pool, sharedPool } from "./wasm/pool.ts";
import { WebGpuBackend } from "./webgpu/backend.ts";

/** The backends that can be asked for; "auto" takes the best that this machine has. */
export const backendNames = ["auto", "webgpu", "wasm", "plain"] as const;

/** A backend's name. */
export type BackendName = typeof backendNames[number];

/** Options of a backend. */
export interface BackendOptions {
  /** Threads of the "wasm" backend; all models share one for each core when absent. */
  threads?: number;
  /**
   * The type of activations in products of few tokens, as in decoding, with packed weights of 2 to 4 bits; other products do
   * not round. By default, the "wasm" backend uses "int16", without a measurable error, and "webgpu" uses "f32".
   *
   * - "f32": activations and codebooks as they are.
   * - "f16": products of halves, on GPUs that have them ("wasm" takes "int16"); a product is off by some 0.05 %.
   * - "int16": whole numbers of 16 bits, activations in steps of their own for each 32 columns, a row's codebook in 65534 steps
   *   from its least value to its largest ("webgpu" takes "f32"). A product is off by some 0.005 %, perplexity by less than
   *   0.001 %.
   * - "int8": activations in 255 steps, codebooks in 127. Faster again; a product is off by 1 to 2 %.
   */
  activations?: ActivationType;
  /**
   * Whether the "webgpu" backend times its kernels at the first product of each shape and remembers the fastest on disk; by
   * default, true on a real GPU.
   */
  tune?: boolean;
  /** The file of the remembered kernels; `any4/kernels.json` in the user's cache folder when absent. */
  tunedFile?: string;
}

/**
 * Makes a backend: "auto" takes a real GPU, else WASM.
 *
 * @throws {OptionError} when the name or `activations` is unknown, or `threads` is not a whole number of at least 1.
 * @throws {DeviceError} when "webgpu" is asked for and there is no GPU, not even a software one.
 */
export async function createBackend(
  name: BackendName = "auto",
  options: BackendOptions = {},
): Promise<Backend> {
  const { activations } = options;
  if (activations !== undefined && !activationTypes.includes(activations)) {
    throw new OptionError(
      `Cannot round activations to "${activations}": expected one of ${activationTypes.join(", ")}`,
    );
  }
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
    { activations: options.activations === "f16" ? "int16" : options.activations },
  );
}

/** Whether this machine turned out to have no GPU: to ask again takes as long. */
let none = false;

/** A backend on a real GPU, if there is one that works. */
async function realGpu(options: BackendOptions): Promise<Backend | undefined> {
  if (none) return undefined;
  try {
    return await WebGpuBackend.open({ ...options, software: false });
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    if (error.cause) console.warn(`any4 computes on the CPU: ${error.message}`);
    else none = true;
    return undefined;
  }
}
