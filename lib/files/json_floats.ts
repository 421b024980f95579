/**
 * JSON whose numbers stay as Python wrote them. JavaScript writes 30.0 as 30, which transformers 5 takes for no float, and
 * NaN and infinities as null.
 *
 * @module
 */
import { CheckpointError } from "../errors.ts";
import { JsonCursor } from "./safetensors/json.ts";

/** What engines have (ECMAScript's "JSON.parse source text access"), and TypeScript does not know yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** Marks what stands for a number that JSON does not have. */
const MARK = "\0number ";

/** Keys under which a JSON text has whole numbers that are written as floats: "30.0", "1e4". Those of lists are left out. */
export function floatKeys(text: string): ReadonlySet<string> {
  const keys = new Set<string>();
  const fail = (what: string): never => {
    throw new CheckpointError(`Cannot read JSON: ${what}`);
  };
  new JsonCursor(text, { name: "it", fail, python: true }).value((number, key) => {
    if (key !== undefined && /[.eE]/.test(number) && Number.isInteger(Number(number))) keys.add(key);
  });
  return keys;
}

/** The text of a value, indented, in which whole numbers under such keys are written as floats. */
export function jsonWithFloats(value: unknown, keys: ReadonlySet<string>): string {
  const written = (key: string, value: unknown) => {
    if (typeof value !== "number") return value;
    if (!Number.isFinite(value)) return `${MARK}${value}`;
    return keys.has(key) && Number.isInteger(value) && Math.abs(value) < 1e21 ? rawJSON(`${value}.0`) : value;
  };
  return JSON.stringify(value, written, 2).replaceAll(/"\\u0000number (NaN|-?Infinity)"/g, "$1");
}
