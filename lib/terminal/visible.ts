/**
 * Text of others in the terminal.
 *
 * @module
 */

/** What a terminal would obey, or what would turn a line around: all but tabs and line breaks. */
const OBEYED = new RegExp(
  String
    .raw`\r\n|[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]|\p{Surrogate}`,
  "gu",
);

function shown(character: string): string {
  if (character === "\r\n") return "\n";
  const code = character.codePointAt(0)!;
  if (code < 0x20) return `^${String.fromCharCode(code + 64)}`;
  if (code === 0x7f) return "^?";
  return code < 0x100 ? `\\x${code.toString(16)}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/**
 * A text that a model, a file or a server has written, for the terminal: control characters are shown, not obeyed, so that it
 * can neither move the cursor nor set colours, titles or the clipboard.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(visible("red \x1b[31m and\ttabs\n"), "red ^[[31m and\ttabs\n");
 * assertEquals(visible("\x9b2J \r over \u202e"), "\\x9b2J ^M over \\u202e");
 * ```
 */
export function visible(text: string): string {
  return text.replaceAll(OBEYED, shown);
}
