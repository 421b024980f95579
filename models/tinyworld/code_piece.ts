import { amount, change, NAMES, NOUNS, test } from "./code_words.ts";
import type { Random } from "./random.ts";
import { once, plural } from "./write.ts";

/** What a call can take or return; a map stands for a dictionary. */
export type Value = number | string | boolean | readonly (number | string)[] | ReadonlyMap<string, number>;

/** How one document is written throughout. */
export interface Style {
  readonly hints: boolean;
  readonly doc: "comment" | "docstring" | "none";
}

/** Writes one part of a code document, whose printed results are right. */
export type Writer = (rng: Random, style: Style) => string;

/** What the text of a function has decided, for computing its results. */
export interface Drawn {
  /** The constant `{k}`, 2 to 12, and its like `{m}`. */
  readonly k: number;
  readonly m: number;
  /** The constant `{big}`, 10 to 99. */
  readonly big: number;
  /** The condition `{test}`. */
  readonly test: (n: number) => boolean;
  /** The change `{change}`. */
  readonly change: (n: number) => number;
}

/** A parameter: how it is called, its type hint, and how arguments for it are drawn. */
export interface Param<T extends Value> {
  readonly slot: string;
  readonly hint: string;
  readonly draw: (rng: Random) => T;
  /** Makes the constant `{k}` its default. */
  readonly fallback?: true;
}

/** The names and constants of one piece; each is drawn when it is first asked for. */
export class Scope implements Drawn {
  readonly #slots: Record<string, () => string | number>;
  readonly #test;
  readonly #change;

  constructor(rng: Random, context: string, own: Readonly<Record<string, () => string>> = {}) {
    this.#test = once(() => test(rng, context));
    this.#change = once(() => change(rng, context));
    const item = once(() => rng.likely(NOUNS, context));
    this.#slots = {
      item,
      items: () => plural(item()),
      k: once(() => rng.int(2, 12)),
      m: once(() => rng.int(2, 12)),
      big: once(() => rng.int(10, 99)),
      test: () => this.#test().python,
      testName: () => this.#test().name,
      testWords: () => this.#test().words,
      change: () => this.#change().python,
      changeName: () => this.#change().name,
      changeWords: () => this.#change().words,
      ...own,
    };
    for (const [slot, names] of Object.entries(NAMES)) {
      this.#slots[`_${slot}`] = once(() => rng.likely(names, context));
    }
  }

  get k(): number {
    return Number(this.#slots.k?.());
  }
  get m(): number {
    return Number(this.#slots.m?.());
  }
  get big(): number {
    return Number(this.#slots.big?.());
  }
  readonly test = (n: number): boolean => this.#test().apply(n);
  readonly change = (n: number): number => this.#change().apply(n);

  /** Fills `{slots}`; one that begins with "_" is a variable's name. */
  fill(text: string): string {
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const slot = this.#slots[name];
      if (slot === undefined) throw new ReferenceError(`Cannot fill the slot {${name}}`);
      return this.fill(String(slot()));
    });
  }
}

/**
 * A family of functions that share a body.
 *
 * @param names Names of the function, between bars.
 * @param says What it does, in several wordings between bars.
 * @param takes Its parameters.
 * @param gives The type hint of what it returns.
 * @param body Its lines.
 * @param result What Python returns for these arguments.
 * @param before Lines that stand before the function, such as a helper that it calls.
 */
export function family<T extends readonly Value[]>(
  names: string,
  says: string,
  takes: { readonly [I in keyof T]: Param<T[I]> },
  gives: string,
  body: string,
  result: (args: T, drawn: Drawn) => Value,
  before = "",
): Writer {
  const params = takes as readonly Param<Value>[];
  return (rng, { hints, doc }) => {
    const name = once(() => rng.likely(names.split("|"), names));
    const scope = new Scope(rng, names, { name });
    const about = doc === "none" ? "" : rng.likely(says.split("|"), names);
    const signature = params.map(({ slot, hint, fallback }) =>
      `{${slot}}${hints ? `: ${hint}` : ""}${fallback ? hints ? " = {k}" : "={k}" : ""}`
    );
    const text = scope.fill([
      ...before ? [before.trim(), ""] : [],
      ...doc === "comment" ? [`# ${about}`] : [],
      `def {name}(${signature.join(", ")})${hints ? ` -> ${gives}` : ""}:`,
      ...doc === "docstring" ? [`    """${about}"""`] : [],
      ...body.trim().split("\n").map((line) => "    " + line),
    ].join("\n"));
    const calls = Array.from({ length: rng.weighted([[1, 1], [3, 2], [4, 3], [3, 4]]) }, () => {
      const given = params.map(({ draw, fallback }) => fallback && rng.chance(0.5) ? undefined : draw(rng));
      const args = given.map((value) => value ?? scope.k) as readonly Value[] as T;
      const shown = given.filter((value) => value !== undefined).map(source).join(", ");
      return `print(${scope.fill("{name}")}(${shown}))  # ${printed(result(args, scope))}`;
    });
    return `${text}\n\n${calls.join("\n")}`;
  };
}

/** A whole number from low to high. */
export const int = (slot: string, low = 1, high = 99): Param<number> => ({
  slot,
  hint: "int",
  draw: (rng) => rng.int(low, high),
});

/** A list of numbers. */
export const ints = (slot = "items", low = 3, high = 7): Param<readonly number[]> => ({
  slot,
  hint: "list[int]",
  draw: (rng) => Array.from({ length: rng.int(low, high) }, () => amount(rng)),
});

/** A text drawn from a list. */
export const text = (list: readonly string[], slot = "_s"): Param<string> => ({
  slot,
  hint: "str",
  draw: (rng) => rng.pick(list),
});

/** A list of texts. */
export const texts = (
  list: readonly string[],
  slot = "_words",
  low = 2,
  high = 5,
): Param<readonly string[]> => ({
  slot,
  hint: "list[str]",
  draw: (rng) => Array.from({ length: rng.int(low, high) }, () => rng.pick(list)),
});

/** A value as Python's print() shows it. */
export function printed(value: Value): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "object" ? source(value).replaceAll('"', "'") : String(value);
}

/** A value as it stands in the source. */
export function source(value: Value): string {
  if (value instanceof Map) {
    return `{${[...value].map(([key, n]) => `${source(key)}: ${source(n)}`).join(", ")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(source).join(", ")}]`;
  return typeof value === "string" ? `"${value}"` : printed(value);
}
