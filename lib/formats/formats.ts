/**
 * Every number format by its name.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { af4 } from "./af4.ts";
import { any, anySymmetric } from "./any.ts";
import type { Format } from "./format.ts";
import { fp4 } from "./fp4.ts";
import { int, intSymmetric } from "./int.ts";
import { mx4 } from "./mx4.ts";
import { nf4 } from "./nf4.ts";

/** All formats, in the order in which tables show them. */
export const formats: ReadonlyMap<string, Format> = new Map(
  [
    int(8),
    int(4),
    fp4,
    nf4,
    af4,
    mx4,
    any(4),
    int(3),
    any(3),
    int(2),
    any(2),
    intSymmetric(8),
    intSymmetric(4),
    intSymmetric(3),
    intSymmetric(2),
    anySymmetric(4),
    anySymmetric(3),
    anySymmetric(2),
  ].map((format) => [format.name, format]),
);

/**
 * Returns the format of a name; a format is returned as it is.
 *
 * @throws {OptionError} when there is none; the message lists all names.
 *
 * @example
 * ```ts
 * import { formatOf } from "any4/formats";
 * import { assertEquals } from "@std/assert";
 * assertEquals(formatOf("any4").bits, 4);
 * ```
 */
export function formatOf(format: string | Format): Format {
  if (typeof format !== "string") return format;
  const found = formats.get(format.toLowerCase());
  if (!found) {
    throw new OptionError(
      `Cannot find format "${format}": expected one of ${[...formats.keys()].join(", ")}`,
    );
  }
  return found;
}
