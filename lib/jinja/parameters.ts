/**
 * Arguments of filters, tests and methods.
 *
 * @module
 */
import { fail } from "./errors.ts";
import { isNumber, numeric, Tuple, typeName, Undefined, type Value } from "./values.ts";

/** What a call was given, by the names of parameters. */
export class Given {
  readonly #values = new Map<string, Value>();
  readonly #of: string;

  /**
   * Puts arguments to parameters.
   *
   * @throws {TemplateError} when there are too many, or one of another name.
   */
  constructor(
    of: string,
    given: { names: readonly string[]; args: readonly Value[]; kwargs: ReadonlyMap<string, Value> },
  ) {
    this.#of = of;
    const { names, args, kwargs } = given;
    if (args.length > names.length) {
      fail(`${of}() takes at most ${names.length} arguments, not ${args.length}`);
    }
    for (const [i, value] of args.entries()) this.#values.set(names[i]!, value);
    for (const [name, value] of kwargs) {
      if (!names.includes(name) || this.#values.has(name)) fail(`${of}() has no argument "${name}" left`);
      this.#values.set(name, value);
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  value(name: string, otherwise?: Value): Value {
    const given = this.#values.get(name);
    const value = given === undefined ? otherwise : given;
    if (value !== undefined) return value;
    return fail(`${this.#of}() needs an argument "${name}"`);
  }

  text(name: string, otherwise?: string): string {
    const value = this.value(name, otherwise);
    if (typeof value === "string") return value;
    return fail(`${this.#of}() needs a text as "${name}", not a ${typeName(value)}`);
  }

  /** A text, or undefined where it is None or missing. */
  optionalText(name: string): string | undefined {
    return this.has(name) && this.value(name, null) !== null ? this.text(name) : undefined;
  }

  whole(name: string, otherwise?: number): number {
    const value = this.value(name, otherwise === undefined ? undefined : BigInt(otherwise));
    if (isNumber(value) && typeof value !== "number") return Number(numeric(value));
    return fail(`${this.#of}() needs a whole number as "${name}", not a ${typeName(value)}`);
  }

  /** A whole number, or undefined where it is None or missing. */
  optionalWhole(name: string): number | undefined {
    return this.has(name) && this.value(name, null) !== null ? this.whole(name) : undefined;
  }

  flag(name: string): boolean {
    const value = this.value(name, false);
    return typeof value === "boolean" ? value : isNumber(value) ? Boolean(value) : value !== null;
  }

  /** A text, or several. */
  texts(name: string): string[] {
    const value = this.value(name);
    return value instanceof Tuple
      ? value.items.map((item) => typeof item === "string" ? item : fail(`${this.#of}() needs texts`))
      : [this.text(name)];
  }
}

/** The text that a filter or method is about. */
export function textOf(value: Value, what: string): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) fail(value.hint);
  return fail(`"${what}" needs a text, not a ${typeName(value)}`);
}
