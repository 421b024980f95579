/**
 * Single tokens as text.
 *
 * @module
 */
import { tokenBytes } from "../model/tokenizer/byte_level.ts";
import type { Tokenizer } from "../model/tokenizer/tokenizer.ts";

/** A token as clients are shown it. */
export interface TokenText {
  /** Its text; "bytes:\xe2\x82" where it is a part of a character, as OpenAI writes it. */
  readonly text: string;
  /** Characters that it adds to a text: special tokens are left out there. */
  readonly length: number;
  /** Its bytes. */
  readonly bytes: readonly number[];
}

/** The texts of a tokenizer's tokens as they stand within a text, special tokens as they are written. */
export class TokenTexts {
  readonly #tokenizer: Tokenizer;
  readonly #known = new Map<number, TokenText>();
  /** A token to stand before: what stands first may be decoded otherwise. */
  readonly #before: number[];
  readonly #beforeText: string;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#before = tokenizer.encode("a", { specialTokens: false });
    this.#beforeText = tokenizer.decode(this.#before, { specialTokens: true });
  }

  /** A token; an id of the model's that is no token is an empty text. */
  of(id: number): TokenText {
    let found = this.#known.get(id);
    if (!found) this.#known.set(id, found = this.#find(id));
    return found;
  }

  #find(id: number): TokenText {
    const token = this.#tokenizer.token(id);
    if (token === undefined) return { text: "", length: 0, bytes: [] };
    const whole = this.#tokenizer.decode([...this.#before, id], { specialTokens: true });
    const length = this.#tokenizer.decode([...this.#before, id]).length - this.#beforeText.length;
    const text = whole.startsWith(this.#beforeText) ? whole.slice(this.#beforeText.length) : token;
    if (!text.includes("\ufffd") || token.includes("\ufffd")) {
      return { text, length, bytes: [...new TextEncoder().encode(text)] };
    }
    const [, hex] = /^<0x([0-9A-F]{2})>$/.exec(token) ?? [];
    const bytes = hex ? [parseInt(hex, 16)] : [...tokenBytes(token)];
    const written = bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`);
    return { text: `bytes:${written.join("")}`, length: 0, bytes };
  }
}
