/**
 * JSON whose numbers keep their points. JavaScript writes 30.0 as 30, which transformers 5 takes for no float.
 *
 * @module
 */

/** What engines have (ECMAScript's "JSON.parse source text access"), and TypeScript does not know yet. */
interface SourceJson {
  parse(
    text: string,
    reviver: (this: unknown, key: string, value: unknown, at: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

const json = JSON as unknown as SourceJson;

/** Keys under which a JSON text has whole numbers that are written as floats: "30.0", "1e4". Those of lists are left out. */
export function floatKeys(text: string): ReadonlySet<string> {
  const keys = new Set<string>();
  json.parse(text, function (key, value, { source }) {
    if (Number.isInteger(value) && /[.eE]/.test(source ?? "") && !Array.isArray(this)) keys.add(key);
    return value;
  });
  return keys;
}

/** The text of a value, indented, in which whole numbers under such keys are written as floats. */
export function jsonWithFloats(value: unknown, keys: ReadonlySet<string>): string {
  const isFloat = (key: string, value: unknown) =>
    keys.has(key) && Number.isInteger(value) && Math.abs(value as number) < 1e21;
  return JSON.stringify(value, (key, value) => isFloat(key, value) ? json.rawJSON(`${value}.0`) : value, 2);
}
