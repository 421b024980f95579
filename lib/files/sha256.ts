/**
 * SHA-256 of what is in memory.
 *
 * @module
 */
import { createHash } from "node:crypto";

/**
 * The SHA-256 of some texts and bytes one after another, in hexadecimal digits.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(sha256(["a", Uint8Array.of(98, 99)]).slice(0, 8), "ba7816bf");
 * ```
 */
export function sha256(parts: Iterable<string | ArrayBufferView>): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    // Text is hashed as UTF-8, a view as the bytes that it shows.
    if (typeof part === "string") hash.update(part);
    else hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  return hash.digest("hex");
}
