/** A function with a way to call it and the value that Python gives for that call. */
export interface Piece {
  readonly comment: string;
  readonly lines: readonly string[];
  readonly name: string;
  /** Draws arguments as source text, and says what the call returns. */
  readonly call: () => readonly [args: string, result: Value];
}

/** What a call can return. */
export type Value = number | string | boolean | readonly (number | string)[];

/** A value as Python's print() shows it. */
export function printed(value: Value): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return Array.isArray(value) ? source(value) : String(value);
}

/** A value as it stands in the source. */
export function source(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(source).join(", ")}]`;
  return typeof value === "string" ? `"${value}"` : printed(value);
}
