/**
 * Every method by its name.
 *
 * @module
 */
import { OptionError } from "../../errors.ts";
import type { Format } from "../../formats/format.ts";
import type { LloydOptions } from "../lloyd.ts";
import { type Weighting, weightingOf } from "../weighting.ts";
import { kmeans } from "./kmeans.ts";
import { lloyd } from "./lloyd.ts";
import type { Method, Needs } from "./method.ts";

/** Makers of methods by name, each given its options. */
export const methods: ReadonlyMap<string, (options?: object) => Method> = new Map([
  ["kmeans", kmeans],
  ["lloyd", lloyd],
]);

/** A method by its name and options. */
export type MethodOptions = { name: "kmeans" } | { name: "lloyd" } & LloydOptions;

/**
 * The method of a name, or of a name and options; a method passes through.
 *
 * @throws {OptionError} when there is none, with the names that there are, or an option is out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { methodOf } from "any4";
 * assertEquals(methodOf("kmeans").needs, "columns");
 * assertEquals(methodOf({ name: "lloyd", init: "nf4" }).options, { init: "nf4" });
 * ```
 */
export function methodOf(method: string | MethodOptions | Method = "kmeans"): Method {
  if (typeof method === "object" && "solve" in method) return method;
  const { name, ...options } = typeof method === "string" ? { name: method } : method;
  const make = methods.get(name);
  if (!make) {
    throw new OptionError(
      `Cannot find method "${name}": expected one of ${[...methods.keys()].join(", ")}`,
    );
  }
  return Object.keys(options).length === 0 ? make() : make(options);
}

/** What must be known of a Linear's input to quantize it to a format. */
export function needsOf(
  format: Format,
  options: { method?: string | MethodOptions | Method; weighting?: string | Weighting },
): Needs {
  const { needs } = methodOf(options.method);
  if (needs !== "columns") return needs;
  return format.values === null && weightingOf(options.weighting).columns !== null ? "columns" : "nothing";
}
