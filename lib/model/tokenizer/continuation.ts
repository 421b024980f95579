/**
 * The text that follows a prompt.
 *
 * @module
 */
import type { TextStream } from "./decoding.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Decodes what follows a prompt, token by token. It is decoded together with the prompt: a tokenizer may treat what stands
 * first otherwise, and a prompt may end in the middle of a character.
 */
export class Continuation {
  readonly #stream: TextStream;
  /** The prompt's end, which the stream has not let go of yet. */
  #held: string;

  /** @param prompt the prompt's ids. */
  constructor(tokenizer: Tokenizer, prompt: readonly number[]) {
    const stream = this.#stream = tokenizer.stream();
    const settled = prompt.reduce((length, id) => length + stream.push(id).length, 0);
    this.#held = tokenizer.decode(prompt).slice(settled);
  }

  /** Takes a token's id and returns the text that is new and settled. */
  push(id: number): string {
    return this.#new(this.#stream.push(id));
  }

  /** Ends the text and returns what was held back. */
  flush(): string {
    return this.#new(this.#stream.flush());
  }

  #new(text: string): string {
    if (text === "" || this.#held === "") return text;
    const held = this.#held;
    this.#held = "";
    return text.startsWith(held) ? text.slice(held.length) : text;
  }
}
