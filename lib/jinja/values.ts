/**
 * Values as Python has them: bigint is its int, number its float.
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { fail } from "./errors.ts";
import { compare as compareText, length as textLength, repr as textRepr } from "./text.ts";

/** A value that a template computes with. */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Value[]
  | Tuple
  | Dict
  | Undefined
  | Callable
  | Range
  | Namespace
  | Generator
  | Thing;

/** What is not there. */
export class Undefined {
  /** @param hint says what is not there. */
  constructor(readonly hint: string) {}
}

/** A list that does not change. */
export class Tuple {
  /** @param names what its items are called, if they are. */
  constructor(readonly items: readonly Value[], readonly names: readonly string[] = []) {}
}

/** Whole numbers from one to another. */
export class Range {
  constructor(readonly start: number, readonly stop: number, readonly step: number) {}

  get length(): number {
    return Math.max(0, Math.ceil((this.stop - this.start) / this.step));
  }

  at(index: number): Value {
    return BigInt(this.start + index * this.step);
  }
}

/** What can be iterated over once. */
export class Generator {
  readonly #items: Value[];

  constructor(items: Value[]) {
    this.#items = items;
  }

  /** What is left, which is nothing then. */
  take(): Value[] {
    return this.#items.splice(0);
  }

  first(): Value | undefined {
    return this.#items.shift();
  }
}

/** What can be called. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: Value[], kwargs: ReadonlyMap<string, Value>) => Value,
    readonly attributes: Readonly<Record<string, Value>> = {},
  ) {}
}

/** What attributes can be set of. */
export class Namespace {
  readonly values = new Map<string, Value>();
}

/** What has attributes, and may be called: a loop, a cycler. */
export class Thing {
  constructor(
    readonly name: string,
    readonly attribute: (name: string) => Value | undefined,
    readonly call?: Callable["call"],
  ) {}
}

/** A mapping, in the order of insertion. */
export class Dict {
  readonly #entries = new Map<string, [Value, Value]>();

  static of(entries: Iterable<readonly [Value, Value]>): Dict {
    const dict = new Dict();
    for (const [key, value] of entries) dict.set(key, value);
    return dict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hash(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(hash(key));
  }

  set(key: Value, value: Value): void {
    const id = hash(key);
    const entry = this.#entries.get(id);
    if (entry) entry[1] = value;
    else this.#entries.set(id, [key, value]);
  }

  keys(): Value[] {
    return Array.from(this.#entries.values(), ([key]) => key);
  }

  values(): Value[] {
    return Array.from(this.#entries.values(), ([, value]) => value);
  }

  entries(): [Value, Value][] {
    return [...this.#entries.values()];
  }
}

/** Tuples that are keys of mappings are small. */
const MOST_IN_KEY = 64;
const DEEPEST_KEY = 3;

/** The same for equal values. */
export function hash(value: Value, depth = 0): string {
  if (typeof value === "string") return `s${value}`;
  if (value === null) return "None";
  if (typeof value === "boolean" || typeof value === "bigint") return `n${BigInt(value)}`;
  if (typeof value === "number") return Number.isInteger(value) ? `n${BigInt(value)}` : `n${value}`;
  if (value instanceof Tuple && value.items.length <= MOST_IN_KEY && depth < DEEPEST_KEY) {
    const hashes = value.items.map((item) => hash(item, depth + 1));
    return `t${hashes.map((one) => `${one.length}:${one}`).join()}`;
  }
  return fail(`a ${typeName(value)} cannot be a key`);
}

/** A type's name, as messages have it. */
export function typeName(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "float";
  if (typeof value === "string") return "str";
  if (Array.isArray(value)) return "list";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof Dict) return "dict";
  if (value instanceof Range) return "range";
  if (value instanceof Generator) return "generator";
  if (value instanceof Namespace) return "Namespace";
  if (value instanceof Undefined) return "Undefined";
  return value.name;
}

/** Whether a value counts as true. */
export function truth(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Dict) return value.size > 0;
  if (value instanceof Range) return value.length > 0;
  if (typeof value === "object") return true;
  return Boolean(value);
}

/** Whether a value is a number; truth values are. */
export function isNumber(value: Value): value is boolean | bigint | number {
  return typeof value === "boolean" || typeof value === "bigint" || typeof value === "number";
}

/** A number's value where truth values are 0 and 1. */
export function numeric(value: boolean | bigint | number): bigint | number {
  return typeof value === "boolean" ? BigInt(value) : value;
}

/** Whether two values are equal. */
export function equal(a: Value, b: Value, budget: Budget, depth = 0): boolean {
  budget.step();
  if (a === b) return true;
  if (depth > 100) fail("values are nested too deep to be compared");
  // Between a bigint and a number, == compares the values.
  // deno-lint-ignore eqeqeq
  if (isNumber(a) && isNumber(b)) return numeric(a) == numeric(b);
  if (a instanceof Undefined) return b instanceof Undefined;
  const items = (value: Value) =>
    Array.isArray(value) ? value : value instanceof Tuple ? value.items : undefined;
  const [one, other] = [items(a), items(b)];
  if (one && other) {
    return Array.isArray(a) === Array.isArray(b) && one.length === other.length &&
      one.every((item, i) => equal(item, other[i]!, budget, depth + 1));
  }
  if (a instanceof Dict && b instanceof Dict) {
    return a.size === b.size && a.entries().every(([key, value]) => {
      const found = b.get(key);
      return found !== undefined && equal(value, found, budget, depth + 1);
    });
  }
  return false;
}

/** Less than 0 where `a` comes before `b`. @throws {TemplateError} where they have no order. */
export function compare(a: Value, b: Value, budget: Budget): number {
  budget.step();
  if (isNumber(a) && isNumber(b)) {
    const [one, other] = [numeric(a), numeric(b)];
    return one < other ? -1 : one > other ? 1 : one == other ? 0 : NaN;
  }
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  const both = Array.isArray(a) && Array.isArray(b)
    ? [a, b]
    : a instanceof Tuple && b instanceof Tuple
    ? [a.items, b.items]
    : undefined;
  if (both) {
    const [one, other] = both as [readonly Value[], readonly Value[]];
    for (let i = 0; i < Math.min(one.length, other.length); i++) {
      if (!equal(one[i]!, other[i]!, budget)) return compare(one[i]!, other[i]!, budget);
    }
    return one.length - other.length;
  }
  for (const value of [a, b]) if (value instanceof Undefined) fail(value.hint);
  return fail(`a ${typeName(a)} and a ${typeName(b)} have no order`);
}

/** A float as Python writes it: the fewest digits that say which it is. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 16) {
    const text = power < 0 ? value.toFixed(mantissa.replace(/[-.]/g, "").length - 1 - power) : String(value);
    return text.includes(".") ? text : `${text}.0`;
  }
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** What a value prints as. */
export function text(value: Value, budget: Budget): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) return "";
  return repr(value, budget);
}

/** What Python's repr() says of a value. */
export function repr(value: Value, budget: Budget, depth = 0): string {
  budget.step();
  if (depth > 100) fail("values are nested too deep to be printed");
  const inner = (item: Value) => repr(item, budget, depth + 1);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return floatText(value);
  if (typeof value === "string") return budget.text(textRepr(value));
  if (Array.isArray(value)) return budget.text(`[${value.map(inner).join(", ")}]`);
  if (value instanceof Tuple) {
    const items = value.items.map(inner);
    return budget.text(items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`);
  }
  if (value instanceof Dict) {
    return budget.text(
      `{${value.entries().map(([key, item]) => `${inner(key)}: ${inner(item)}`).join(", ")}}`,
    );
  }
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Range) {
    return `range(${value.start}, ${value.stop}${value.step === 1 ? "" : `, ${value.step}`})`;
  }
  if (value instanceof Namespace) {
    return budget.text(
      `<Namespace {${
        [...value.values].map(([key, item]) => `${textRepr(key)}: ${inner(item)}`).join(", ")
      }}>`,
    );
  }
  // What Python prints has an address in memory.
  return fail(`a ${typeName(value)} cannot be printed`);
}

/** The items of what can be iterated over. */
export function items(value: Value, budget: Budget): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple) return value.items;
  if (value instanceof Dict) return value.keys();
  if (value instanceof Undefined) return [];
  if (value instanceof Generator) return value.take();
  if (typeof value === "string") {
    budget.step(value.length);
    return [...value];
  }
  if (value instanceof Range) {
    budget.step(value.length);
    return Array.from({ length: value.length }, (_, i) => value.at(i));
  }
  return fail(`a ${typeName(value)} cannot be iterated over`);
}

/** How many items a value has; undefined where that makes no sense. */
export function sizeOf(value: Value): number | undefined {
  if (typeof value === "string") return textLength(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof Range) return value.length;
  if (value instanceof Undefined) return 0;
  return undefined;
}

/**
 * Parsed JSON as values. Whole numbers are ints: JavaScript does not know whether 1.0 was written.
 *
 * @throws {TemplateError} when it holds what JSON cannot.
 */
export function fromJson(json: unknown, depth = 0): Value {
  if (depth > 100) fail("the conversation is nested too deep");
  switch (typeof json) {
    case "string":
    case "boolean":
    case "bigint":
      return json;
    case "number":
      return Number.isInteger(json) ? BigInt(json) : json;
    case "undefined":
      return new Undefined("a value is undefined");
    case "object":
      if (json === null) return null;
      if (Array.isArray(json)) return json.map((item) => fromJson(item, depth + 1));
      return Dict.of(
        Object.entries(json).filter(([, value]) => value !== undefined)
          .map(([key, value]) => [key, fromJson(value, depth + 1)] as const),
      );
  }
  return fail(`a ${typeof json} is no value of JSON`);
}
