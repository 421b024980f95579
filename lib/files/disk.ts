/**
 * Files and folders, synchronously.
 *
 * @module
 */
import { Any4Error, CheckpointError } from "../errors.ts";

/** Whether anything is at a path, a link that leads nowhere included. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether there is a file, at the end of a link too. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Runs what is tidied up in passing: its failure changes nothing. */
export function tryTo(run: () => void): void {
  try {
    run();
  } catch {
    // The caller has a result or a better error already.
  }
}

/** Writes a text, whole or not at all; see {@linkcode writeBeside}. */
export function writeText(path: string, text: string): void {
  writeBeside(path, () => [new TextEncoder().encode(text)]);
}

/**
 * Writes a file beside its place, has the disk confirm it, and renames it into place.
 *
 * @param path where the file is to lie.
 * @param chunks its bytes, piece by piece.
 * @throws {CheckpointError} when writing fails; nothing is left behind and what was there before stays.
 *
 * @example
 * ```ts
 * const path = await Deno.makeTempFile();
 * writeBeside(path, () => [new TextEncoder().encode("whole or not at all")]);
 * await Deno.remove(path);
 * ```
 */
export function writeBeside(path: string, chunks: () => Iterable<Uint8Array>): void {
  // Two programs that write the same file must not share the temporary one.
  const part = `${path}.${Deno.pid}.part`;
  try {
    {
      using file = Deno.openSync(part, { write: true, create: true, truncate: true });
      for (const bytes of chunks()) {
        for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
      }
      file.syncSync();
    }
    Deno.renameSync(part, path);
  } catch (cause) {
    // It may never have been made.
    tryTo(() => Deno.removeSync(part));
    if (cause instanceof Any4Error) throw cause;
    throw new CheckpointError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}
