/**
 * Files and folders, synchronously.
 *
 * @module
 */
import { Any4Error, CheckpointError, InterruptedError } from "../errors.ts";
import { cutShort } from "../event_loop.ts";

/**
 * What the disk answers; undefined where it has no answer. Questions that may fail, such as whether a file is there, go through
 * this: a notebook's interrupt that comes while Deno makes their error is not to be taken for an answer.
 *
 * @throws {InterruptedError} when it was interrupted.
 */
export function ask<Answer>(question: () => Answer): Answer | undefined {
  try {
    return question();
  } catch (error) {
    if (cutShort(error)) throw new InterruptedError("Interrupted");
    return undefined;
  }
}

/** Whether a path exists; a broken link does. */
export function exists(path: string): boolean {
  return ask(() => Deno.lstatSync(path)) !== undefined;
}

/** Whether a path is a file, links followed. */
export function isFile(path: string): boolean {
  return ask(() => Deno.statSync(path).isFile) ?? false;
}

/** Whether there is a folder, at the end of a link too. */
export function isFolder(path: string): boolean {
  return ask(() => Deno.statSync(path).isDirectory) ?? false;
}

/** Whether two paths lead to the same file or folder, also by links and by mounts of it at two places. */
export function isSameFile(a: string, b: string): boolean {
  return ask(() => {
    const [first, second] = [Deno.statSync(a), Deno.statSync(b)];
    if (first.ino !== null && first.ino !== 0) return first.ino === second.ino && first.dev === second.dev;
    return Deno.realPathSync(a) === Deno.realPathSync(b);
  }) ?? false;
}

/** Where a link inside a folder leads if that is outside of the folder; undefined for all else. */
export function leadsOut(folder: string, name: string): string | undefined {
  const path = `${folder}/${name}`;
  if (!isFile(path)) return undefined;
  const [file, around] = [Deno.realPathSync(path), Deno.realPathSync(folder)];
  // In the Hub's cache, files of snapshots/<commit> are links to blobs beside it.
  const [, cache] = /^(.+)[/\\]snapshots[/\\][^/\\]+$/.exec(around) ?? [];
  const inside = (place: string | undefined) =>
    place !== undefined && /^[/\\]/.test(file.slice(place.length)) &&
    file.startsWith(place);
  return inside(around) || inside(cache && `${cache}${around[cache.length]}blobs`) ? undefined : file;
}

/** Syncs the names in a folder to the disk, where the system can. */
export function syncFolder(path: string): void {
  tryTo(() => {
    using folder = Deno.openSync(path);
    folder.syncSync();
  });
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

/** Runs an optional clean-up and ignores its failure: the caller has a result or a better error already. */
export function tryTo(run: () => void): void {
  ask(run);
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
    // A device, a pipe or a folder is not replaced.
    if (ask(() => Deno.statSync(path).isFile) === false) {
      throw new CheckpointError(`Cannot write ${path}: it is not a file`);
    }
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
