/**
 * Files and folders, synchronously.
 *
 * @module
 */
import { Any4Error, CheckpointError } from "../errors.ts";

/** Whether a path exists; a broken link does. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether a path is a file, links followed. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Whether there is a folder, at the end of a link too. */
export function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/**
 * Opens a file for reading, and closes it again if its beginning is wrong.
 *
 * @param start reads the beginning.
 * @returns the file, which the caller closes, and the result of `start`.
 * @throws {CheckpointError} when there is no such file, or its beginning cannot be read.
 */
export function openFile<Start>(
  path: string,
  start: (file: Deno.FsFile) => Start,
): { file: Deno.FsFile; start: Start } {
  let file: Deno.FsFile;
  try {
    // Opening a pipe would wait for its other end.
    if (!Deno.statSync(path).isFile) throw new CheckpointError("it is not a file");
    file = Deno.openSync(path);
  } catch (cause) {
    throw new CheckpointError(`Cannot open ${path}: ${(cause as Error).message}`, { cause });
  }
  try {
    return { file, start: start(file) };
  } catch (cause) {
    file.close();
    if (cause instanceof Any4Error) throw cause;
    throw new CheckpointError(`Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Runs an optional clean-up and ignores its failure. */
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
 * Writes a file under a temporary name, syncs it to the disk, and renames it into place.
 *
 * @param path the file's path.
 * @param chunks its bytes, piece by piece.
 * @throws {CheckpointError} when writing fails; the temporary file is removed, and a file that was there before stays.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const path = await Deno.makeTempFile();
 * writeBeside(path, () => [new TextEncoder().encode("whole or not at all")]);
 * assertEquals(await Deno.readTextFile(path), "whole or not at all");
 * await Deno.remove(path);
 * ```
 */
export function writeBeside(path: string, chunks: () => Iterable<Uint8Array>): void {
  // Two programs that write the same file must not share the temporary one, even on two machines.
  const part = `${path}.${crypto.randomUUID()}.part`;
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
    // It may not exist.
    tryTo(() => Deno.removeSync(part));
    if (cause instanceof Any4Error) throw cause;
    throw new CheckpointError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}
