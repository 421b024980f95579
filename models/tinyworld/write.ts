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
    .replace(/\b([aA]) (?=hon|hour|(?!one\b|uni|us[ei])[aeiou])/gi, "$1n ")
    .replace(
      /(^|\n|[.!?] |\." )("?)([a-z])/g,
      (_, before, quote, letter) => before + quote + letter.toUpperCase(),
    )
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

const PLURALS = pairs(`
  sheep sheep fish fish goose geese mouse mice loaf loaves leaf leaves shelf shelves knife knives scarf scarves calf
  calves wolf wolves thief thieves man men woman women child children salmon salmon trout trout deer deer moose moose
  series series potato potatoes tomato tomatoes hero heroes echo echoes watchman watchmen fisherman fishermen
  ferryman ferrymen postman postmen piano pianos radio radios`);

const PASTS = pairs(`
  hide hid find found lose lost buy bought sell sold break broke steal stole lend lent keep kept give gave throw threw
  catch caught hold held take took bring brought shake shook tear tore dig dug hang hung choose chose send sent
  forget forgot draw drew build built wear wore run ran go went come came swim swam ride rode creep crept sleep slept
  fall fell fly flew stand stood sit sat lie lay flee fled kneel knelt sing sang say said rise rose grow grew shine
  shone spread spread burst burst sweep swept freeze froze sink sank hit hit cut cut feel felt eat ate know knew see
  saw hear heard think thought leave left put put let let tell told make made have had speak spoke`);

function pairs(text: string): ReadonlyMap<string, string> {
  const words = text.trim().split(/\s+/);
  return new Map(words.flatMap((word, i) => i % 2 === 0 ? [[word, words[i + 1] as string]] : []));
}

/** The past tense of a verb. */
export function past(verb: string): string {
  const irregular = PASTS.get(verb);
  if (irregular !== undefined) return irregular;
  if (verb.endsWith("e")) return verb + "d";
  if (/[^aeiou]y$/.test(verb)) return verb.slice(0, -1) + "ied";
  // A short vowel before one consonant doubles it: "drop", "admit", but not "open" or "visit".
  return /^[^aeiou]*[aeiou][bdgklmnprt]$|[^aeiou](?:mit|fer)$/.test(verb) && !/^offer$/.test(verb)
    ? verb + verb.at(-1) + "ed"
    : verb + "ed";
}

/** The plural of a regular noun, and of a few that are not. */
export function plural(noun: string): string {
  return PLURALS.get(noun) ??
    (/(s|x|ch|sh)$/.test(noun) ? noun + "es" : noun.replace(/([^aeiou])y$/, "$1ie") + "s");
}

/** "one apple", "3 apples": a counted noun, in digits. */
export function counted(n: number, noun: string): string {
  return `${n} ${n === 1 ? noun : plural(noun)}`;
}
