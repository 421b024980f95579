/**
 * Texts that end a text.
 *
 * @module
 */
import { OptionError } from "../errors.ts";

/**
 * Passes a text on, piece by piece, up to the first of some strings. What may begin one of them is held back.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const stop = new StopStrings(["EFG"]);
 * assertEquals(["B", "C", "D", "E", "F", "G"].map((piece) => stop.push(piece)).join(""), "BCD");
 * assertEquals(stop.found, true);
 * ```
 */
export class StopStrings {
  readonly #strings: readonly string[];
  #held = "";
  #found = false;

  /** @throws {OptionError} when one is empty or no text. */
  constructor(strings: readonly string[]) {
    for (const string of strings as readonly unknown[]) {
      if (typeof string === "string" && string !== "") continue;
      throw new OptionError(
        `Cannot generate: a stop string must be a text that is not empty, current value is ${
          JSON.stringify(string)
        }`,
      );
    }
    this.#strings = strings;
  }

  /** Whether one of the strings has come: nothing passes any more. */
  get found(): boolean {
    return this.#found;
  }

  /** Takes the next piece of the text and returns what can be passed on. */
  push(piece: string): string {
    if (this.#found) return "";
    const text = this.#held + piece;
    const places = this.#strings.map((string) => text.indexOf(string)).filter((at) => at >= 0);
    this.#found = places.length > 0;
    const end = this.#found ? Math.min(...places) : text.length - this.#mayBegin(text);
    this.#held = this.#found ? "" : text.slice(end);
    return text.slice(0, end);
  }

  /** Ends the text and returns what was held back. */
  flush(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  /** Characters at the text's end that may be the beginning of a string. */
  #mayBegin(text: string): number {
    let most = 0;
    for (const string of this.#strings) {
      for (let length = Math.min(string.length - 1, text.length); length > most; length--) {
        if (text.endsWith(string.slice(0, length))) most = length;
      }
    }
    return most;
  }
}
