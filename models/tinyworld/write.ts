import type { Random } from "./random.ts";

/** Values for the `{name}` places of a template: text, or how to get it. */
export type Slots = Readonly<Record<string, string | (() => string)>>;

/**
 * Draws on the first call and remembers.
 *
 * What no sentence asks for is never decided, so that it costs the text no entropy.
 */
export function once<T>(draw: () => T): () => T {
  let drawn: { value: T } | undefined;
  return () => (drawn ??= { value: draw() }).value;
}

/**
 * Turns a template into text.
 *
 * `[a|b|c]` is a choice (choices nest, `[a|]` is optional), `{name}` a slot, `{Name}` the same slot
 * with a capital letter. Sentences get their capital and "a" becomes "an" where it has to.
 *
 * @throws {ReferenceError} If the template names a slot that is not given.
 */
export function write(rng: Random, template: string, slots: Slots = {}): string {
  return polish(fill(choose(rng, template), slots));
}

/** Writes one template after the other, with a space between. */
export function writeAll(rng: Random, templates: readonly string[], slots: Slots = {}): string {
  return polish(templates.map((template) => fill(choose(rng, template), slots)).join(" "));
}

/** Resolves the outermost choices first, so that only choices that show are ever made. */
function choose(rng: Random, template: string): string {
  let out = "";
  let options: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < template.length; i++) {
    const char = template[i];
    if (char === "[") {
      if (depth++ === 0) {
        out += template.slice(start, i);
        options = [];
        start = i + 1;
      }
    } else if (char === "|" && depth === 1) {
      options.push(template.slice(start, i));
      start = i + 1;
    } else if (char === "]" && --depth === 0) {
      options.push(template.slice(start, i));
      out += choose(rng, rng.pick(options));
      start = i + 1;
    }
  }
  return out + template.slice(start);
}

function fill(text: string, slots: Slots): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = slots[name];
    if (value !== undefined) return read(value);
    const lower = slots[name.charAt(0).toLowerCase() + name.slice(1)];
    if (lower === undefined) throw new ReferenceError(`Cannot fill the slot {${name}}`);
    return capital(read(lower));
  });
}

const read = (value: string | (() => string)): string => typeof value === "string" ? value : value();

/** Spaces, articles and capitals. */
function polish(text: string): string {
  return text
    .replace(/ {2,}/g, " ")
    .replace(/ (?=[.,!?;])/g, "")
    .replace(/\b([aA]) (?=honest|[aeiouAEIOU](?!ne\b|ni|s[ei]))/g, "$1n ")
    .replace(/(^|\n|[.!?] )("?)([a-z])/g, (_, before, quote, letter) => before + quote + letter.toUpperCase())
    .trim();
}

/** The word with a capital first letter. */
export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** "a", "a and b", "a, b and c". */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

const SMALL = [
  "zero",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
];

/** A number in words up to twelve, in digits above. */
export function spoken(n: number): string {
  return SMALL[n] ?? String(n);
}

const PLURALS: Readonly<Record<string, string>> = {
  sheep: "sheep",
  fish: "fish",
  goose: "geese",
  mouse: "mice",
  loaf: "loaves",
  leaf: "leaves",
};

/** The plural of a regular noun, and of a few that are not. */
export function plural(noun: string): string {
  return PLURALS[noun] ??
    (/(s|x|ch|sh)$/.test(noun) ? noun + "es" : noun.replace(/([^aeiou])y$/, "$1ie") + "s");
}

/** "one apple", "3 apples": a counted noun, in digits. */
export function counted(n: number, noun: string): string {
  return `${n} ${n === 1 ? noun : plural(noun)}`;
}
