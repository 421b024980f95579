/**
 * The registry of methods.
 *
 * @module
 */
import { OptionError } from "../../errors.ts";
import type { Format } from "../../formats/format.ts";
import { parseOptions } from "../../parse_options.ts";
import type { LloydOptions } from "../lloyd.ts";
import { type Weighting, weightingOf } from "../weighting.ts";
import type { FactorOptions } from "../hessian.ts";
import { gptq } from "./gptq.ts";
import { kmeans } from "./kmeans.ts";
import { leanquant, type LeanQuantOptions } from "./leanquant.ts";
import { lloyd } from "./lloyd.ts";
import { lnq, type LnqOptions } from "./lnq.ts";
import type { Method, Needs } from "./method.ts";

/** A function that makes a method, and the names of its options. */
export interface MethodMaker {
  /** Makes it. */
  readonly make: (options?: object) => Method;
  /** The names of its options. */
  readonly options: readonly string[];
}

/** Makers of methods by name. */
export const methods: ReadonlyMap<string, MethodMaker> = new Map([
  ["kmeans", { make: kmeans, options: [] }],
  ["lloyd", { make: lloyd, options: ["init", "seed", "maxIterations", "tolerance"] }],
  ["gptq", { make: gptq, options: ["actOrder", "damping", "shrinkage"] }],
  ["leanquant", { make: leanquant, options: ["actOrder", "damping", "shrinkage", "power"] }],
  ["lnq", { make: lnq, options: ["shrinkage", "scales", "rounds", "sweeps"] }],
]);

/** A method by its name and options. */
export type MethodOptions =
  | { name: "kmeans" }
  | { name: "lloyd" } & LloydOptions
  | { name: "gptq" } & FactorOptions
  | { name: "leanquant" } & LeanQuantOptions
  | { name: "lnq" } & LnqOptions;

/**
 * Parses a method with its options, as the tasks take it: "kmeans", "lnq:rounds=3:shrinkage=0.2".
 *
 * @throws {OptionError} when an option has no value; {@linkcode methodOf} checks the rest.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseMethod } from "any4/learn";
 * assertEquals(parseMethod("gptq:actOrder=false:damping=0.1"), { name: "gptq", actOrder: false, damping: 0.1 });
 * ```
 */
export function parseMethod(text: string): MethodOptions {
  const [name = "", options = ""] = text.split(/:(.*)/);
  const method = { name, ...parseOptions(options, `method "${name}"`) } as MethodOptions;
  methodOf(method);
  return method;
}

/**
 * Returns the method of a name, or of a name and options; a method is returned as it is.
 *
 * @throws {OptionError} when there is none (the message lists all names), or an option is unknown or out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { methodOf } from "any4/learn";
 * assertEquals(methodOf("kmeans").needs, "columns");
 * assertEquals(methodOf({ name: "lloyd", init: "nf4" }).options, { init: "nf4" });
 * ```
 */
export function methodOf(method: string | MethodOptions | Method = "kmeans"): Method {
  if (typeof method === "object" && "solve" in method) return method;
  const { name, ...options } = typeof method === "string" ? { name: method } : method;
  const maker = methods.get(name);
  if (!maker) {
    throw new OptionError(
      `Cannot find method "${name}": expected one of ${[...methods.keys()].join(", ")}` +
        (/^awq\b/.test(name) ? "; AWQ comes before a method: { awq: true } (--awq)" : ""),
    );
  }
  const unknown = Object.keys(options).find((option) => !maker.options.includes(option));
  if (unknown !== undefined) {
    throw new OptionError(
      `Cannot use method "${name}" with option "${unknown}": expected ${maker.options.join(", ") || "none"}`,
    );
  }
  return Object.keys(options).length === 0 ? maker.make() : maker.make(options);
}

/** The statistics of a Linear's input needed to quantize it to a format. */
export function needsOf(
  format: Format,
  options: { method?: string | MethodOptions | Method; weighting?: string | Weighting },
): Needs {
  const { needs } = methodOf(options.method);
  if (needs !== "columns") return needs;
  return format.values === null && weightingOf(options.weighting).columns !== null ? "columns" : "nothing";
}
