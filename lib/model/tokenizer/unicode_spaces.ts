/**
 * White space as the Rust tokenizers understand it.
 *
 * @module
 */

/** The words that ByteLevel splits a text into: OpenAI's pattern (gpt-2, encoder.py). */
const WORDS = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** A pattern in which \s and \S are Unicode's White_Space, which has U+0085 and not U+FEFF: JavaScript has it the other way. */
function withUnicodeSpaces(pattern: string): string {
  const names: Record<string, string> = { s: String.raw`\p{White_Space}`, S: String.raw`\P{White_Space}` };
  return pattern.replaceAll(/\\([^])/g, (escape, letter: string) => names[letter] ?? escape);
}

/** A pre-tokenizer of tokenizer.json, or a list of them, whose patterns match Unicode's white space. */
function rewritten(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(rewritten);
  if (typeof part !== "object" || part === null) return part;
  const copy: Record<string, unknown> = Object.fromEntries(
    Object.entries(part).map(([key, value]) => [key, rewritten(value)]),
  );
  if (typeof copy.Regex === "string") copy.Regex = withUnicodeSpaces(copy.Regex);
  // ByteLevel has its pattern built in: it becomes a Split before it. One that puts a space first must see the whole text.
  if (copy.type !== "ByteLevel" || copy.use_regex === false || copy.add_prefix_space === true) return copy;
  const split = {
    type: "Split",
    pattern: { Regex: withUnicodeSpaces(WORDS) },
    behavior: "Isolated",
    invert: false,
  };
  return { type: "Sequence", pretokenizers: [split, { ...copy, use_regex: false }] };
}

/** The same tokenizer.json with pre-tokenizers whose white space is Unicode's, as it is elsewhere. */
export function unicodeSpaces(tokenizer: object): object {
  const { pre_tokenizer } = tokenizer as { pre_tokenizer?: unknown };
  return pre_tokenizer ? { ...tokenizer, pre_tokenizer: rewritten(pre_tokenizer) } : tokenizer;
}
