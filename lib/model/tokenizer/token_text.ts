/**
 * Special tokens of tokenizer_config.json.
 *
 * @module
 */

/** The text of a special token, written as a string or as an object with a string; "" if there is none. */
export function tokenText(token: unknown): string {
  if (typeof token === "object" && token !== null && "content" in token) return String(token.content);
  return typeof token === "string" ? token : "";
}
