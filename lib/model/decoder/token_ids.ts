/**
 * Token ids as callers give them.
 *
 * @module
 */
import { OptionError } from "../../errors.ts";

/**
 * Checks that ids are ids: whole numbers from 0 to `size` − 1. A typed array would round 1.5 and turn null into 0.
 *
 * @param options.size how many ids there are.
 * @param options.purpose what is to be done with them, for messages.
 * @throws {OptionError} naming the first that is none, and where it stands.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * checkTokenIds([0, 9], { size: 10, purpose: "decode" });
 * assertThrows(() => checkTokenIds([0, 1.5], { size: 10, purpose: "decode" }), Error, "token 1: its id must be a whole");
 * ```
 */
export function checkTokenIds(ids: ArrayLike<number>, options: { size: number; purpose: string }): void {
  const { size, purpose } = options;
  for (let at = 0; at < ids.length; at++) {
    const id: unknown = ids[at];
    if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id < size) continue;
    const shown = typeof id === "string" ? JSON.stringify(id.slice(0, 40)) : String(id);
    throw new OptionError(
      `Cannot ${purpose} token ${at}: its id must be a whole number from 0 to ${
        size - 1
      }, current value is ${shown}`,
    );
  }
}

/**
 * How many ids two sequences have in common from the first on, of `most` at most.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(commonLength([1, 2, 3], [1, 2, 4], { most: 9 }), 2);
 * ```
 */
export function commonLength(
  one: readonly number[],
  other: readonly number[],
  { most }: { most: number },
): number {
  const end = Math.min(most, one.length, other.length);
  let common = 0;
  while (common < end && one[common] === other[common]) common++;
  return common;
}
