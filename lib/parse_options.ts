/**
 * Options as a command line has them in one word.
 *
 * @module
 */
import { OptionError } from "./errors.ts";

/**
 * Parses "rounds=3:scales=false:init=nf4" as an object of numbers, booleans and texts.
 *
 * @param whose the subject of messages: "method gptq".
 * @throws {OptionError} when an option has no value.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseOptions("rounds=3:scales=false", "method lnq"), { rounds: 3, scales: false });
 * ```
 */
export function parseOptions(text: string, whose: string): Record<string, unknown> {
  if (text === "") return {};
  return Object.fromEntries(
    text.split(":").map((option) => {
      const [, key, value] = /^([^=]+)=(.+)$/.exec(option) ?? [];
      if (key === undefined || value === undefined) {
        throw new OptionError(
          `Cannot read the options of ${whose}: expected option=value, current text is "${option}"`,
        );
      }
      if (value === "true" || value === "false") return [key, value === "true"];
      return [key, Number.isNaN(Number(value)) ? value : Number(value)];
    }),
  );
}
