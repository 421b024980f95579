/**
 * Parts of error messages about a file of tensors.
 *
 * @module
 */

/** Throws an error that names the file and the fault. */
export type Fail = (what: string, cause?: unknown) => never;

/**
 * A name in quotes, cut where it is too long for a message.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(quote("a\n"), '"a\\n"');
 * ```
 */
export function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}...` : name);
}

/**
 * A shape as a message shows it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(showShape([2, 3]), "[2, 3]");
 * ```
 */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/**
 * The end of a message about a tensor that is not there: which names are like its own, or how many there are.
 * Names are alike when they begin and end alike over three fifths of their length.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const names = ["lm_head.weight", "model.norm.weight"];
 * assertEquals(alternatives("model.norm.bias", names), 'similar names are "model.norm.weight"');
 * assertEquals(alternatives("embedding", names), "it is not among the 2 tensors there");
 * ```
 */
export function alternatives(name: string, names: Iterable<string>): string {
  const similar: { name: string; likeness: number }[] = [];
  let count = 0;
  for (const other of names) {
    count++;
    const shorter = Math.min(name.length, other.length);
    let head = 0;
    while (head < shorter && name[head] === other[head]) head++;
    let tail = 0;
    while (tail < shorter - head && name.at(-1 - tail) === other.at(-1 - tail)) tail++;
    const likeness = (head + tail) / Math.max(name.length, other.length);
    if (likeness < 0.6) continue;
    similar.push({ name: other, likeness });
    similar.sort((a, b) => b.likeness - a.likeness).splice(3);
  }
  if (similar.length === 0) return `it is not among the ${count} tensors there`;
  return `similar names are ${similar.map((other) => quote(other.name)).join(", ")}`;
}
