/**
 * Backends by name.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import { PlainBackend } from "./plain.ts";
import { WasmBackend } from "./wasm/backend.ts";
import { Pool, sharedPool } from "./wasm/pool.ts";

/** The backends that can be asked for; "auto" takes the best that this machine has. */
export const backendNames = ["auto", "wasm", "plain"] as const;

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
}

/**
 * Makes a backend.
 *
 * @throws {OptionError} when the name is unknown, or `threads` is not a whole number of at least 1.
 */
export function createBackend(name: BackendName = "auto", options: BackendOptions = {}): Backend {
  switch (name) {
    case "plain":
      return new PlainBackend();
    case "auto":
    case "wasm":
      return new WasmBackend(
        options.threads === undefined ? sharedPool() : new Pool({ threads: options.threads }),
        { int8Activations: options.int8Activations },
      );
    default:
      throw new OptionError(`Cannot find backend "${name}": expected one of ${backendNames.join(", ")}`);
  }
}
