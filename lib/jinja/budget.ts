/**
 * What a template may cost. Templates come with models, from anywhere, and one that loops would never end. Steps and
 * characters are counted, not seconds: the same template ends, or fails, on every machine.
 *
 * @module
 */
import { fail } from "./errors.ts";

/** Steps that a template may take: a second or two of work. */
const MOST_STEPS = 4e6;

/** Characters that all its texts together may have, and 16 times those of the conversation. */
const MOST_CHARACTERS = 2 ** 24;
const TIMES_INPUT = 16;

/** Macros inside of macros. */
const DEEPEST_CALLS = 100;

/** Counts what a template costs. */
export class Budget {
  #steps = MOST_STEPS;
  #characters: number;
  #depth = 0;

  /** @param input characters of what the template is given. */
  constructor(input: number) {
    this.#characters = MOST_CHARACTERS + TIMES_INPUT * input;
  }

  /** Takes some steps. @throws {TemplateError} when there are none left. */
  step(steps = 1): void {
    this.#steps -= steps;
    if (!(this.#steps >= 0)) fail(`it takes more than ${MOST_STEPS} steps: it may never end`);
  }

  /** Checks that a text of so many characters can be made. @throws {TemplateError} when it is too long. */
  room(characters: number): void {
    this.step(1 + characters / 64);
    this.#characters -= characters;
    if (!(this.#characters >= 0)) fail("its texts are too long");
  }

  /** Counts a text and returns it. */
  text(text: string): string {
    this.room(text.length);
    return text;
  }

  /** Runs a call inside of others. */
  call<T>(run: () => T): T {
    if (++this.#depth > DEEPEST_CALLS) fail(`its macros call one another more than ${DEEPEST_CALLS} deep`);
    try {
      return run();
    } finally {
      this.#depth--;
    }
  }
}
