/**
 * Backends by name.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import { PlainBackend } from "./plain.ts";
import { WasmBackend } from "./wasm/backend.ts";
import { activationNames, type Activations } from "./wasm/levels.ts";
import { Pool, sharedPool } from "./wasm/pool.ts";

/** The backends that can be asked for; "auto" takes the best that this machine has. */
export const backendNames = ["auto", "wasm", "plain"] as const;

export { activationNames, type Activations };

/** A backend's name. */
export type BackendName = typeof backendNames[number];

/** How a backend computes. */
export interface BackendOptions {
  /** Threads of the "wasm" backend; all models share one for each core when absent. */
  threads?: number;
  /**
   * What the "wasm" backend multiplies packed weights of 2 to 4 bits with, where fewer than six tokens pass at a time, as in
   * decoding; "int16" when absent. Elsewhere nothing is rounded.
   *
   * - "f32": activations and tables as they are.
   * - "int16": whole numbers of 16 bits, activations in steps of their own for each 32 columns, a row's table in 65534 steps
   *   from its least value to its largest. Twice as fast; a product is off by some 0.005 %, perplexity by less than 0.001 %.
   * - "int8": activations in 255 steps, tables in 127. Faster again; a product is off by 1 to 2 %.
   */
  activations?: Activations;
}

/**
 * Makes a backend.
 *
 * @throws {OptionError} when the name or `activations` is unknown, or `threads` is not a whole number of at least 1.
 */
export function createBackend(name: BackendName = "auto", options: BackendOptions = {}): Backend {
  const { activations = "int16" } = options;
  if (!activationNames.includes(activations)) {
    throw new OptionError(
      `Cannot round activations to "${activations}": expected one of ${activationNames.join(", ")}`,
    );
  }
  switch (name) {
    case "plain":
      return new PlainBackend();
    case "auto":
    case "wasm":
      return new WasmBackend(
        options.threads === undefined ? sharedPool() : new Pool({ threads: options.threads }),
        { activations },
      );
    default:
      throw new OptionError(`Cannot find backend "${name}": expected one of ${backendNames.join(", ")}`);
  }
}
