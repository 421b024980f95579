/**
 * Arrays one behind the other.
 *
 * @module
 */

/**
 * Joins arrays of one type, of which there is at least one.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(joined([Float32Array.of(1, 2), Float32Array.of(3)]), Float32Array.of(1, 2, 3));
 * ```
 */
export function joined<T extends Float32Array | Uint32Array>(arrays: readonly T[]): T {
  const length = arrays.reduce((sum, { length }) => sum + length, 0);
  const all = new (arrays[0]!.constructor as new (length: number) => T)(length);
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
