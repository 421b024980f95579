/**
 * Token ids as callers give them.
 *
 * @module
 */
import { OptionError } from "../../errors.ts";

/**
 * Checks that ids are ids: whole numbers from 0 to `vocabulary` − 1. A typed array would round 1.5 and turn null into 0.
 *
 * @param vocabulary how many ids there are.
 * @throws {OptionError} naming the first that is none, and where it stands.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * checkTokenIds([0, 9], 10);
 * assertThrows(() => checkTokenIds([0, 1.5], 10), Error, "token id 1 must be a whole number from 0 to 9");
 * ```
 */
export function checkTokenIds(ids: ArrayLike<number>, vocabulary: number): void {
  for (let at = 0; at < ids.length; at++) {
    const id: unknown = ids[at];
    if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id < vocabulary) continue;
    const shown = typeof id === "string" ? JSON.stringify(id.slice(0, 40)) : String(id);
    throw new OptionError(
      `Cannot use tokens: token id ${at} must be a whole number from 0 to ${
        vocabulary - 1
      }, current value is ${shown}`,
    );
  }
}
