/**
 * Backends by name.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import { PlainBackend } from "./plain.ts";

/** The backends that can be asked for; "auto" takes the best that this machine has. */
export const backendNames = ["auto", "plain"] as const;

/** A backend's name. */
export type BackendName = typeof backendNames[number];

/**
 * Makes a backend.
 *
 * @throws {OptionError} when the name is unknown.
 */
export function createBackend(name: BackendName = "auto"): Backend {
  if (!backendNames.includes(name)) {
    throw new OptionError(`Cannot find backend "${name}": expected one of ${backendNames.join(", ")}`);
  }
  return new PlainBackend();
}
