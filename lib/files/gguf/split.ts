/**
 * Models in several GGUF files: NAME-00001-of-00003.gguf and so on.
 *
 * @module
 */

/** Files of a model at most: its number has five digits. */
const MOST = 99_999;

/**
 * The paths of all parts of the model that a file is a part of.
 *
 * @param count what the file says of how many there are; what its name says when absent.
 * @returns undefined where the file is not called as parts are.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(partPaths("a/m-00002-of-00002.gguf", 2), ["a/m-00001-of-00002.gguf", "a/m-00002-of-00002.gguf"]);
 * assertEquals(partPaths("m.gguf", 2), undefined);
 * ```
 */
export function partPaths(path: string, count?: number): string[] | undefined {
  const { name, total } = /^(?<name>.*)-\d{5}-of-(?<total>\d{5})\.gguf$/s.exec(path)?.groups ?? {};
  const parts = Number(total);
  if (!(parts >= 1 && parts <= MOST && parts === (count ?? parts))) return undefined;
  const part = (i: number) => `${name}-${String(i + 1).padStart(5, "0")}-of-${total}.gguf`;
  return Array.from({ length: parts }, (_, i) => part(i));
}
