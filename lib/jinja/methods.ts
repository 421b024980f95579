/**
 * Methods of strings, lists, tuples and mappings that change nothing.
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { fail } from "./errors.ts";
import { formatBraces } from "./format.ts";
import { Given } from "./parameters.ts";
import { capitalize, characters, isSpace, length, lines, slice, strip, title } from "./text.ts";
import { Callable, Dict, equal, items, Tuple, typeName, type Value } from "./values.ts";

type Method<T> = (of: T, given: Given, budget: Budget) => Value;

/** A method's parameters and what it does. */
type Entry<T> = readonly [names: readonly string[], run: Method<T>];

const int = (value: number) => BigInt(value);

/** A whole string's property: at least one character, and each is such. */
const all = (pattern: RegExp): Entry<string> => [[], (text) => pattern.test(text)];

/** The part of a text that `start` and `end` leave, and where it begins, in characters. */
function part(text: string, given: Given): { within: string[]; from: number } {
  const within = characters(text);
  const clip = (at: number) => Math.min(Math.max(at < 0 ? at + within.length : at, 0), within.length);
  const from = clip(given.optionalWhole("start") ?? 0);
  const to = clip(given.optionalWhole("end") ?? within.length);
  return { within: within.slice(from, Math.max(from, to)), from };
}

function find(text: string, given: Given, last: boolean): number {
  const { within, from } = part(text, given);
  const joined = within.join("");
  const at = last ? joined.lastIndexOf(given.text("sub")) : joined.indexOf(given.text("sub"));
  return at < 0 ? -1 : from + length(joined.slice(0, at));
}

function index(text: string, given: Given, last: boolean): bigint {
  const at = find(text, given, last);
  return at < 0 ? fail("a text is not in the other") : int(at);
}

function affix(text: string, given: Given, last: boolean): boolean {
  const joined = part(text, given).within.join("");
  return given.texts("prefix").some((one) => last ? joined.endsWith(one) : joined.startsWith(one));
}

function count(text: string, given: Given): bigint {
  const { within } = part(text, given);
  const sub = given.text("sub");
  return int(sub === "" ? within.length + 1 : within.join("").split(sub).length - 1);
}

/** Words between white space; the last, or the first, is the rest of the text where there are more than wanted. */
function words(text: string, { most, last }: { most: number; last: boolean }): string[] {
  const ends: [from: number, to: number][] = [];
  for (let at = 0; at < text.length; at++) {
    if (isSpace(text[at]!)) continue;
    const from = at;
    while (at < text.length && !isSpace(text[at]!)) at++;
    ends.push([from, at]);
  }
  if (most >= 0 && ends.length > most + 1) {
    if (last) ends.splice(0, ends.length - most, [0, ends[ends.length - most - 1]![1]]);
    else ends.splice(most, ends.length, [ends[most]![0], text.length]);
  } else if (most >= 0 && ends.length === most + 1) {
    // What is left keeps the white space at its far end.
    const rest = ends[last ? 0 : most]!;
    rest[last ? 0 : 1] = last ? 0 : text.length;
  }
  return ends.map(([from, to]) => text.slice(from, to));
}

function split(text: string, given: Given, { last, budget }: { last: boolean; budget: Budget }): string[] {
  const most = given.whole("maxsplit", -1);
  const by = given.optionalText("sep");
  budget.room(text.length);
  if (by === undefined) return words(text, { most, last });
  if (by === "") fail("a separator is empty");
  const parts = text.split(by);
  budget.step(parts.length);
  if (most < 0 || parts.length <= most + 1) return parts;
  return last
    ? [parts.slice(0, parts.length - most).join(by), ...parts.slice(parts.length - most)]
    : [...parts.slice(0, most), parts.slice(most).join(by)];
}

function replace(text: string, given: Given, budget: Budget): string {
  const [by, limit] = [given.text("new"), given.whole("count", -1)];
  const old = given.text("old");
  budget.room(text.length);
  const parts = old === "" ? ["", ...characters(text), ""] : text.split(old);
  const times = limit < 0 ? parts.length - 1 : Math.min(limit, parts.length - 1);
  budget.room(text.length + times * by.length);
  return parts.slice(0, times + 1).join(by) +
    (times < parts.length - 1 ? old + parts.slice(times + 1).join(old) : "");
}

function pad(
  text: string,
  given: Given,
  { left, right, budget }: { left: boolean; right: boolean; budget: Budget },
): string {
  const [width, fill] = [given.whole("width"), given.text("fillchar", " ")];
  if (length(fill) !== 1) fail("what fills must be one character");
  const missing = Math.max(0, width - length(text));
  budget.room(missing);
  // An odd one goes to the left where the width is odd.
  const before = left && right ? (missing >> 1) + (missing & width & 1) : left ? missing : 0;
  return fill.repeat(before) + text + fill.repeat(missing - before);
}

function partition(text: string, given: Given, last: boolean): Tuple {
  const by = given.text("sep");
  if (by === "") fail("a separator is empty");
  const at = last ? text.lastIndexOf(by) : text.indexOf(by);
  if (at < 0) return new Tuple(last ? ["", "", text] : [text, "", ""]);
  return new Tuple([text.slice(0, at), by, text.slice(at + by.length)]);
}

function expandTabs(text: string, given: Given, budget: Budget): string {
  const size = given.whole("tabsize", 8);
  let [out, column] = ["", 0];
  for (const character of text) {
    const width = character === "\t" ? size > 0 ? size - column % size : 0 : 1;
    budget.room(width);
    out += character === "\t" ? " ".repeat(width) : character;
    column = character === "\n" || character === "\r" ? 0 : column + width;
  }
  return out;
}

function swapCase(text: string): string {
  let out = "";
  for (const letter of text) {
    out += letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase();
  }
  return out;
}

const cased = (text: string) => text.toLowerCase() !== text.toUpperCase();
const RANGE = ["sub", "start", "end"];
const AFFIX = ["prefix", "start", "end"];
const SPLIT = ["sep", "maxsplit"];
const PAD = ["width", "fillchar"];

const STRING: Readonly<Record<string, Entry<string>>> = {
  capitalize: [[], (text, _, budget) => budget.text(capitalize(text))],
  casefold: [[], (text, _, budget) => budget.text(text.toLowerCase().replaceAll("ß", "ss"))],
  center: [PAD, (text, given, budget) => pad(text, given, { left: true, right: true, budget })],
  count: [RANGE, count],
  endswith: [AFFIX, (text, given) => affix(text, given, true)],
  expandtabs: [["tabsize"], expandTabs],
  find: [RANGE, (text, given) => int(find(text, given, false))],
  index: [RANGE, (text, given) => index(text, given, false)],
  isalnum: all(/^[\p{L}\p{N}]+$/u),
  isalpha: all(/^\p{L}+$/u),
  // deno-lint-ignore no-control-regex -- ASCII has control characters.
  isascii: all(/^[\x00-\x7f]*$/),
  isdecimal: all(/^\p{Nd}+$/u),
  isdigit: all(/^[\p{Nd}\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468]+$/u),
  isidentifier: all(/^[\p{XID_Start}_]\p{XID_Continue}*$/u),
  islower: [[], (text) => cased(text) && text === text.toLowerCase()],
  isnumeric: all(/^\p{N}+$/u),
  isprintable: all(/^(?: |[^\p{C}\p{Z}])*$/u),
  isspace: [[], (text) => text !== "" && characters(text).every(isSpace)],
  istitle: [[], (text) => cased(text) && text === title(text)],
  isupper: [[], (text) => cased(text) && text === text.toUpperCase()],
  join: [["iterable"], (text, given, budget) => {
    const parts = items(given.value("iterable"), budget);
    budget.step(parts.length);
    for (const one of parts) {
      if (typeof one !== "string") fail(`join() needs texts, not a ${typeName(one)}`);
      budget.room((one as string).length + text.length);
    }
    return parts.join(text);
  }],
  ljust: [PAD, (text, given, budget) => pad(text, given, { left: false, right: true, budget })],
  lower: [[], (text, _, budget) => budget.text(text.toLowerCase())],
  lstrip: [
    ["chars"],
    (text, given, budget) => budget.text(strip(text, { right: false, chars: given.optionalText("chars") })),
  ],
  partition: [["sep"], (text, given) => partition(text, given, false)],
  removeprefix: [["prefix"], (text, given) => {
    const prefix = given.text("prefix");
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  }],
  removesuffix: [["suffix"], (text, given) => {
    const suffix = given.text("suffix");
    return suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  }],
  replace: [["old", "new", "count"], replace],
  rfind: [RANGE, (text, given) => int(find(text, given, true))],
  rindex: [RANGE, (text, given) => index(text, given, true)],
  rjust: [PAD, (text, given, budget) => pad(text, given, { left: true, right: false, budget })],
  rpartition: [["sep"], (text, given) => partition(text, given, true)],
  rsplit: [SPLIT, (text, given, budget) => split(text, given, { last: true, budget })],
  rstrip: [
    ["chars"],
    (text, given, budget) => budget.text(strip(text, { left: false, chars: given.optionalText("chars") })),
  ],
  split: [SPLIT, (text, given, budget) => split(text, given, { last: false, budget })],
  splitlines: [["keepends"], (text, given, budget) => lines(budget.text(text), given.flag("keepends"))],
  startswith: [AFFIX, (text, given) => affix(text, given, false)],
  strip: [
    ["chars"],
    (text, given, budget) => budget.text(strip(text, { chars: given.optionalText("chars") })),
  ],
  swapcase: [[], (text, _, budget) => budget.text(swapCase(text))],
  title: [[], (text, _, budget) => budget.text(title(text))],
  upper: [[], (text, _, budget) => budget.text(text.toUpperCase())],
  zfill: [["width"], (text, given, budget) => {
    const sign = /^[-+]/.exec(text)?.[0] ?? "";
    const zeros = Math.max(0, given.whole("width") - length(text));
    budget.room(zeros);
    return sign + "0".repeat(zeros) + text.slice(sign.length);
  }],
};

const SEQUENCE: Readonly<Record<string, Entry<readonly Value[]>>> = {
  count: [["value"], (of, given, budget) => {
    return int(of.filter((item) => equal(item, given.value("value"), budget)).length);
  }],
  index: [["value"], (of, given, budget) => {
    const at = of.findIndex((item) => equal(item, given.value("value"), budget));
    return at < 0 ? fail("a value is not in the list") : int(at);
  }],
};

const DICT: Readonly<Record<string, Entry<Dict>>> = {
  copy: [[], (of) => Dict.of(of.entries())],
  get: [["key", "default"], (of, given) => {
    const value = of.get(given.value("key"));
    return value === undefined ? given.value("default", null) : value;
  }],
  items: [[], (of, _, budget) => {
    budget.step(of.size);
    return of.entries().map((entry) => new Tuple(entry));
  }],
  keys: [[], (of, _, budget) => {
    budget.step(of.size);
    return of.keys();
  }],
  values: [[], (of, _, budget) => {
    budget.step(of.size);
    return of.values();
  }],
};

/** Methods that would change what the conversation is made of. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  list: ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"],
  dict: ["clear", "pop", "popitem", "setdefault", "update"],
};

/** A value's method, or undefined where it has none of that name. */
export function methodOf(of: Value, name: string, budget: Budget): Callable | undefined {
  const bound = <T>(methods: Readonly<Record<string, Entry<T>>>, of: T): Callable | undefined => {
    if (!Object.hasOwn(methods, name)) return undefined;
    const [names, run] = methods[name]!;
    return new Callable(name, (args, kwargs) => run(of, new Given(name, { names, args, kwargs }), budget));
  };
  const type = typeName(of);
  if (FORBIDDEN[type]?.includes(name)) {
    return new Callable(name, () => fail(`the method "${name}" of a ${type} is not safe: it changes it`));
  }
  if (typeof of === "string") {
    if (name === "format") {
      return new Callable(name, (args, kwargs) => formatBraces(of, { args, kwargs, budget }));
    }
    return bound(STRING, of);
  }
  if (Array.isArray(of)) return name === "copy" ? new Callable(name, () => [...of]) : bound(SEQUENCE, of);
  if (of instanceof Tuple) return bound(SEQUENCE, of.items);
  if (of instanceof Dict) return bound(DICT, of);
  return undefined;
}

/** A value's item at a place, or undefined where there is none. */
export function itemOf(of: Value, at: number): Value | undefined {
  if (typeof of === "string") {
    const size = length(of);
    const place = at < 0 ? at + size : at;
    return place < 0 || place >= size ? undefined : slice(of, place, place + 1);
  }
  if (Array.isArray(of)) return of.at(at);
  if (of instanceof Tuple) return of.items.at(at);
  return undefined;
}
