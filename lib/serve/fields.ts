/**
 * A request's body, field by field.
 *
 * @module
 */
import { badField } from "./request_error.ts";

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** Whether a value is an object with fields. */
export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 60);

/**
 * The fields of an object, each of which is read once: what nobody has read is refused, so that nothing is asked in vain.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * const fields = new Fields({ n: 2, best_of: 3 });
 * assertEquals(fields.whole("n", { least: 1, most: 8 }), 2);
 * assertThrows(() => fields.end(), Error, "best_of");
 * ```
 */
export class Fields {
  readonly #fields: Json;
  readonly #read = new Set<string>();
  readonly #within: string;

  /** @param within where the object stands, for messages: "stream_options." */
  constructor(fields: Json, within = "") {
    this.#fields = fields;
    this.#within = within;
  }

  /** A field as it stands; undefined where it is null or absent. */
  any(name: string): unknown {
    this.#read.add(name);
    return this.#fields[name] ?? undefined;
  }

  #wrong(name: string, expected: string): never {
    throw badField(
      this.#within + name,
      `expected ${expected}, current value is ${shown(this.#fields[name])}`,
    );
  }

  /** A whole number. */
  whole(name: string, { least, most }: { least: number; most: number }): number | undefined {
    const value = this.any(name);
    if (value === undefined) return undefined;
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
      return value as number;
    }
    this.#wrong(name, `a whole number from ${least} to ${most}`);
  }

  /** A number. */
  number(name: string, { least, most }: { least: number; most: number }): number | undefined {
    const value = this.any(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && value >= least && value <= most) return value;
    this.#wrong(name, `a number from ${least} to ${most}`);
  }

  /** True or false. */
  flag(name: string): boolean | undefined {
    const value = this.any(name);
    if (value === undefined || typeof value === "boolean") return value;
    this.#wrong(name, "true or false");
  }

  /** A text. */
  text(name: string): string | undefined {
    const value = this.any(name);
    if (value === undefined || typeof value === "string") return value;
    this.#wrong(name, "a text");
  }

  /** A text, or several. */
  texts(name: string): string[] {
    const values = [this.any(name) ?? []].flat();
    if (values.every((value) => typeof value === "string" && value !== "")) return values as string[];
    this.#wrong(name, "a text that is not empty, or a list of such texts");
  }

  /** An object. */
  object(name: string): Fields | undefined {
    const value = this.any(name);
    if (value === undefined) return undefined;
    if (isObject(value)) return new Fields(value, `${this.#within}${name}.`);
    this.#wrong(name, "an object");
  }

  /** The names of all fields. */
  get names(): string[] {
    return Object.keys(this.#fields);
  }

  /** Refuses a field that says something else than what is done in any case. */
  only(name: string, ...allowed: readonly unknown[]): void {
    const value = this.any(name);
    if (value === undefined || allowed.some((one) => JSON.stringify(one) === JSON.stringify(value))) return;
    this.#wrong(name, allowed.length > 0 ? allowed.map(shown).join(" or ") : "nothing, it is not supported");
  }

  /** @throws {RequestError} where there is a field that nobody has read. */
  end(): void {
    for (const name of this.names) {
      if (this.#read.has(name) || this.#fields[name] === null) continue;
      throw badField(this.#within + name, "there is no such option");
    }
  }
}
