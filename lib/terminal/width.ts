/**
 * The width of a text in a terminal.
 *
 * @module
 */

// deno-lint-ignore no-control-regex -- the escape character is what starts a colour.
const COLOURS = /\x1b\[[0-9;]*m/g;
const WIDE =
  /\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
const NONE = /^[\p{Mark}\p{Control}\p{Format}]+$/u;
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

function graphemeWidth(grapheme: string): number {
  if (NONE.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** The width of a text in columns: East Asian letters and emoji take two, accents and colours none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text.replace(COLOURS, ""))) width += graphemeWidth(segment);
  return width;
}

/** Cuts a text to a number of columns and marks the cut with an ellipsis. The text must not contain colours. */
export function cut(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += graphemeWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return kept + "…";
}

/**
 * Breaks a text at spaces into lines of at most a number of columns; a longer word has a line of its own.
 *
 * @example
 * ```ts
 * import { fold } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * assertEquals(fold("Once upon a time", 9), ["Once upon", "a time"]);
 * ```
 */
export function fold(text: string, columns: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    for (const word of paragraph.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`;
      if (lines.length > 0 && displayWidth(longer) <= columns) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  });
}
