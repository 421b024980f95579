/**
 * Folders for the moment of a test.
 *
 * @module
 */

/** Runs with an empty folder, which is removed afterwards. */
export function inFolder<T>(use: (folder: string) => T): T {
  const folder = Deno.makeTempDirSync();
  try {
    return use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Names in a folder, in order, without the list that a save leaves of its files. */
export const list = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name !== ".any4-files.json").sort();
