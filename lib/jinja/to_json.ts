/**
 * JSON as Python's json.dumps writes it.
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { fail } from "./errors.ts";
import { Dict, floatText, Tuple, typeName, type Value } from "./values.ts";
import { compare } from "./values.ts";

/** How it is written. */
export interface JsonOptions {
  readonly ensureAscii: boolean;
  /** What lines are indented with, a level; null for one line. */
  readonly indent: string | null;
  readonly separators: readonly [string, string];
  readonly sortKeys: boolean;
}

const SHORT: Readonly<Record<string, string>> = {
  ...{ '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f" },
};

const escape = (unit: string) => SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

function quoted(text: string, ensureAscii: boolean): string {
  // deno-lint-ignore no-control-regex -- control characters are what is escaped.
  return `"${text.replaceAll(ensureAscii ? /["\\]|[^ -~]/g : /["\\\x00-\x1f]/g, escape)}"`;
}

function float(value: number): string {
  return Number.isNaN(value)
    ? "NaN"
    : Number.isFinite(value)
    ? floatText(value)
    : value > 0
    ? "Infinity"
    : "-Infinity";
}

function keyText(key: Value): string {
  if (typeof key === "string") return key;
  if (key === null) return "null";
  if (typeof key === "boolean") return String(key);
  if (typeof key === "bigint") return String(key);
  if (typeof key === "number") return float(key);
  return fail(`a ${typeName(key)} cannot be a key of JSON`);
}

/** A value as JSON. @throws {TemplateError} when JSON has nothing like it. */
export function toJson(
  value: Value,
  { budget, ...options }: JsonOptions & { budget: Budget },
  depth = 0,
): string {
  budget.step();
  if (depth > 100) fail("values are nested too deep to be written as JSON");
  const { ensureAscii, indent, separators: [between, colon], sortKeys } = options;
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return float(value);
  if (typeof value === "string") return budget.text(quoted(value, ensureAscii));
  const inner = (item: Value) => toJson(item, { ...options, budget }, depth + 1);
  const wrapped = ([open, close]: string, items: string[]) => {
    if (items.length === 0) return open! + close!;
    if (indent === null) return budget.text(open + items.join(between) + close);
    const line = `\n${indent.repeat(depth)}`;
    budget.room(items.length * (line.length + indent.length));
    return budget.text(open + line + indent + items.join(between + line + indent) + line + close);
  };
  if (Array.isArray(value)) return wrapped("[]", value.map(inner));
  if (value instanceof Tuple) return wrapped("[]", value.items.map(inner));
  if (value instanceof Dict) {
    const entries = value.entries();
    if (sortKeys) entries.sort(([a], [b]) => compare(a, b, budget));
    return wrapped(
      "{}",
      entries.map(([key, item]) => quoted(keyText(key), ensureAscii) + colon + inner(item)),
    );
  }
  return fail(`a ${typeName(value)} cannot be written as JSON`);
}
