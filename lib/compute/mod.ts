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

/**
 * Makes a backend.
 *
 * @param options.threads threads of the "wasm" backend; when absent, all of them share a thread for each core.
 * @throws {OptionError} when the name is unknown, or `threads` is not a whole number of at least 1.
 */
export function createBackend(name: BackendName = "auto", options: { threads?: number } = {}): Backend {
  switch (name) {
    case "plain":
      return new PlainBackend();
    case "auto":
    case "wasm":
      return new WasmBackend(
        options.threads === undefined ? sharedPool() : new Pool({ threads: options.threads }),
      );
    default:
      throw new OptionError(`Cannot find backend "${name}": expected one of ${backendNames.join(", ")}`);
  }
}
