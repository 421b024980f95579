/**
 * Folders for the moment of a test.
 *
 * @module
 */

/** Runs with an empty folder, which is removed afterwards: when a promise is returned, once that is settled. */
export function inFolder<T>(use: (folder: string) => T): T {
  const folder = Deno.makeTempDirSync();
  const remove = () => Deno.removeSync(folder, { recursive: true });
  let result: T | undefined;
  try {
    result = use(folder);
    return result instanceof Promise ? result.finally(remove) as T : result;
  } finally {
    if (!(result instanceof Promise)) remove();
  }
}

/** Names in a folder, in order, without the list that a save leaves of its files. */
export const list = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name !== ".any4-files.json").sort();
