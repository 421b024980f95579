/**
 * Strings as Python has them: of characters, not of UTF-16 units, and with its own idea of white space.
 *
 * @module
 */

/** Python's white space, as a class of a pattern. */
export const WHITE_SPACE = String
  .raw`[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`;

const SPACE = new RegExp(WHITE_SPACE);
const SURROGATE = /[\ud800-\udfff]/;

/** A string's characters. */
export function characters(text: string): string[] {
  return SURROGATE.test(text) ? [...text] : text.split("");
}

/** How many characters a string has. */
export function length(text: string): number {
  return SURROGATE.test(text) ? [...text].length : text.length;
}

/** Some of a string's characters. */
export function slice(text: string, from: number, to: number): string {
  return SURROGATE.test(text) ? [...text].slice(from, to).join("") : text.slice(from, to);
}

/** A string without some characters at its ends; without white space where none are given. */
export function strip(
  text: string,
  { left = true, right = true, chars }: { left?: boolean; right?: boolean; chars?: string } = {},
): string {
  const all = characters(text);
  const set = chars === undefined ? undefined : new Set(chars);
  const goes = (character: string) => set ? set.has(character) : SPACE.test(character);
  let [from, to] = [0, all.length];
  while (left && from < to && goes(all[from]!)) from++;
  while (right && to > from && goes(all[to - 1]!)) to--;
  return from === 0 && to === all.length ? text : all.slice(from, to).join("");
}

/** Whether a character is white space. */
export function isSpace(character: string): boolean {
  return SPACE.test(character);
}

/** What ends a line, for Python's splitlines(). */
const LINE_END = new RegExp(String.raw`\r\n|[\n-\r\x1c-\x1e\x85\u2028\u2029]`, "g");

/** Lines as Python's splitlines() has them. */
export function lines(text: string, keepEnds = false): string[] {
  const found: string[] = [];
  let from = 0;
  for (const { 0: end, index } of text.matchAll(LINE_END)) {
    found.push(text.slice(from, index + (keepEnds ? end.length : 0)));
    from = index + end.length;
  }
  if (from < text.length) found.push(text.slice(from));
  return found;
}

/** Compares strings by their characters' code points. */
export function compare(a: string, b: string): number {
  if (a === b) return 0;
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1;
  const [one, other] = [[...a], [...b]];
  for (let i = 0; i < Math.min(one.length, other.length); i++) {
    const difference = one[i]!.codePointAt(0)! - other[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

/** A string as Python's repr() writes it. */
export function repr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = quote;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (character === quote || character === "\\") out += `\\${character}`;
    else if (character === "\n") out += "\\n";
    else if (character === "\r") out += "\\r";
    else if (character === "\t") out += "\\t";
    else if (character === " " || !/[\p{C}\p{Z}]/u.test(character)) out += character;
    else if (code < 256) out += `\\x${code.toString(16).padStart(2, "0")}`;
    else if (code < 65536) out += `\\u${code.toString(16).padStart(4, "0")}`;
    else out += `\\U${code.toString(16).padStart(8, "0")}`;
  }
  return out + quote;
}

/** Words in lower case with a capital in front, as Python's title() has them. */
export function title(text: string): string {
  let out = "";
  let inWord = false;
  for (const character of text) {
    out += inWord ? character.toLowerCase() : character.toUpperCase();
    inWord = character.toLowerCase() !== character.toUpperCase();
  }
  return out;
}

/** A capital in front, the rest in lower case. */
export function capitalize(text: string): string {
  const [first = "", ...rest] = characters(text);
  return first.toUpperCase() + rest.join("").toLowerCase();
}
