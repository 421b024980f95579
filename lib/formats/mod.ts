/**
 * Number formats: the values that codes of 2, 3, 4 or 8 bits stand for, and how weights are scaled to them.
 *
 * ```ts
 * import { formatOf } from "any4/formats";
 * import { assertEquals } from "@std/assert";
 *
 * const int4 = formatOf("int4");
 * assertEquals([int4.bits, int4.values!(128).length], [4, 16]);
 * assertEquals(formatOf("any4").values, null); // learned, for each row
 * ```
 *
 * @module
 */
export type { Format, Scaling } from "./format.ts";
export { formatOf, formats } from "./formats.ts";
