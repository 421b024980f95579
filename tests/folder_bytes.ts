/**
 * Folders compared byte for byte.
 *
 * @module
 */
import { sha256 } from "../lib/files/sha256.ts";

/** The SHA-256 of every file below a folder, by its path, in order. */
export function bytesBelow(folder: string, at = ""): Record<string, string> {
  const names = [...Deno.readDirSync(`${folder}/${at}`)].sort((a, b) => a.name < b.name ? -1 : 1);
  return Object.assign(
    {},
    ...names.map(({ name, isDirectory }) =>
      isDirectory
        ? bytesBelow(folder, `${at}${name}/`)
        : { [`${at}${name}`]: sha256([Deno.readFileSync(`${folder}/${at}${name}`)]) }
    ),
  );
}
