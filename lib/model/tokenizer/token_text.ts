/**
 * Special tokens of tokenizer_config.json.
 *
 * @module
 */

/** A special token's text, whether it is written as a string or as an object that holds one; "" where there is none. */
export function tokenText(token: unknown): string {
  if (typeof token === "object" && token !== null && "content" in token) return String(token.content);
  return typeof token === "string" ? token : "";
}
