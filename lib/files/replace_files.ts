/**
 * Files of a folder that are replaced together: all of them or none, whatever fails or dies on the way.
 *
 * The new files are written whole into `.saving/new`; renaming that folder to `.saving/whole` decides. Only then are the old
 * files moved to `.saving/old` and the new ones linked into the folder. While `.saving/whole` is there, the folder's files are
 * those in it ({@linkcode currentFolder}), and the next replacement finishes this one first.
 *
 * @module
 */
import { Any4Error, CheckpointError, OptionError } from "../errors.ts";
import { exists, isFile, isFolder, syncFolder, tryTo, writeBeside, writeText } from "./disk.ts";
import { readJson, writeJson } from "./json_file.ts";

const SAVING = ".saving";
/** The names of the files that this library has written into a folder, and may replace. */
const MANIFEST = ".any4-files.json";

/** What to replace, and when not to. */
export interface Replacement {
  /** Whether files of this name belong to what is written, so that one of another origin may not stay beside the new ones. */
  readonly belongs: (name: string) => boolean;
  /** The file without which the others are nothing: it is away while others are moved. */
  readonly last: string;
  /** Names that may be there beforehand. */
  readonly beside?: readonly string[];
  /** Replace files of other origin too. */
  readonly force?: boolean;
}

/** The folder in which a folder's files are: itself, or inside it where a replacement is decided and not finished. */
export function currentFolder(folder: string): string {
  const whole = `${folder}/${SAVING}/whole`;
  return isFolder(whole) ? whole : folder;
}

/**
 * Checks that nothing of other origin would be lost.
 *
 * @throws {OptionError} when the folder has files that this library has not written, unless `force` is given.
 * @throws {CheckpointError} when it cannot be read.
 */
export function checkReplaceable(folder: string, options: Replacement, names: readonly string[] = []): void {
  if (options.force || !exists(folder) || currentFolder(folder) !== folder) return;
  const ours = written(folder);
  const foreign = namesIn(folder).filter((name) =>
    name !== SAVING && name !== MANIFEST && !options.beside?.includes(name) && !ours?.includes(name)
  );
  const harmed = ours ? foreign.filter((name) => names.includes(name) || options.belongs(name)) : foreign;
  if (harmed.length === 0) return;
  const some = harmed.slice(0, 3).join(", ") + (harmed.length > 3 ? ` and ${harmed.length - 3} more` : "");
  throw new OptionError(
    `Cannot write ${folder}: it has ${some}, which this library has not written; ` +
      "choose another folder, or replace with { force: true } (--force)",
  );
}

/**
 * Replaces files of a folder, which is made where there is none. Files that an earlier replacement has written and this one
 * does not write are removed.
 *
 * @param write writes the new files into an empty folder.
 * @throws {OptionError} as {@linkcode checkReplaceable} does.
 * @throws {CheckpointError} when something fails, another process is writing into the folder, or a folder has the name of a
 * file; the old files stay, or, where even that fails, the message says so.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const folder = await Deno.makeTempDir();
 * const options = { belongs: () => false, last: "a" };
 * replaceFiles(folder, options, (into) => Deno.writeTextFileSync(`${into}/a`, "whole or not at all"));
 * assertEquals(await Deno.readTextFile(`${folder}/a`), "whole or not at all");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function replaceFiles(folder: string, options: Replacement, write: (into: string) => void): void {
  const existed = exists(folder);
  try {
    checkReplaceable(folder, options);
    Deno.mkdirSync(`${folder}/${SAVING}`, { recursive: true });
    using lock = lockIn(folder);
    try {
      finishReplacing(folder);
      checkReplaceable(folder, options);
      stage(folder, options, write);
      moveIn(folder, { undo: true });
    } finally {
      if (currentFolder(folder) === folder) tryTo(() => Deno.removeSync(lock.folder, { recursive: true }));
    }
  } catch (cause) {
    // Only succeeds when empty.
    if (!existed) tryTo(() => Deno.removeSync(folder));
    if (cause instanceof Any4Error) throw cause;
    throw new CheckpointError(`Cannot write ${folder}: ${(cause as Error).message}`, { cause });
  }
}

/** The right to write into a folder; it ends with the process. */
function lockIn(folder: string): Disposable & { folder: string } {
  const saving = `${folder}/${SAVING}`;
  const path = `${saving}/lock`;
  const file = Deno.openSync(path, { write: true, create: true });
  // A lock that its holder has removed meanwhile locks nothing.
  if (!file.tryLockSync(true) || !isFile(path) || Deno.statSync(path).ino !== file.statSync().ino) {
    file.close();
    throw new CheckpointError(`Cannot write ${folder}: another process is writing into it`);
  }
  // Writing is synchronous: what holds the lock after that was interrupted, and never gets to its end.
  const interrupted = setImmediate(() => file.close());
  const close = () => {
    clearImmediate(interrupted);
    file.close();
  };
  return { folder: saving, [Symbol.dispose]: close };
}

/** Moves of a decided replacement: names to take away, then names to put, `last` first and last. */
interface Moves {
  readonly take: readonly string[];
  readonly put: readonly string[];
}

/** Writes the new files aside, and decides. */
function stage(folder: string, options: Replacement, write: (into: string) => void): void {
  const saving = `${folder}/${SAVING}`;
  for (const part of ["new", "old"]) {
    if (exists(`${saving}/${part}`)) Deno.removeSync(`${saving}/${part}`, { recursive: true });
    Deno.mkdirSync(`${saving}/${part}`);
  }
  write(`${saving}/new`);
  const names = namesIn(`${saving}/new`);
  checkReplaceable(folder, options, names);
  writeJson(`${saving}/new/${MANIFEST}`, { files: names });
  const before = namesIn(folder).filter(options.force ? options.belongs : () => false);
  const gone = new Set([...written(folder) ?? [], ...before]);
  const others = (list: Iterable<string>) => [...list].filter((name) => name !== options.last);
  const take = [options.last, ...others(new Set([...gone, ...names, MANIFEST]))];
  const blocked = take.find((name) => isFolder(`${folder}/${name}`) && names.includes(name));
  if (blocked !== undefined) {
    throw new CheckpointError(`Cannot write ${folder}: a folder is in the place of its file ${blocked}`);
  }
  const moves: Moves = { take, put: [...others(names), MANIFEST, options.last] };
  writeText(`${saving}/moves.json`, JSON.stringify(moves));
  syncFolder(`${saving}/new`);
  syncFolder(saving);
  Deno.renameSync(`${saving}/new`, `${saving}/whole`);
  syncFolder(saving);
}

/** Finishes what a process that died has decided. */
function finishReplacing(folder: string): void {
  if (currentFolder(folder) !== folder) moveIn(folder, { undo: false });
}

/** Moves old files out and new files in; where that fails, back again. */
function moveIn(folder: string, { undo }: { undo: boolean }): void {
  const saving = `${folder}/${SAVING}`;
  const { take, put } = movesOf(saving);
  let came = 0;
  try {
    Deno.mkdirSync(`${saving}/old`, { recursive: true });
    for (const name of take) {
      const path = `${folder}/${name}`;
      if (exists(path) && !isFolder(path)) Deno.renameSync(path, `${saving}/old/${name}`);
    }
    for (const name of put) {
      place(`${saving}/whole/${name}`, `${folder}/${name}`);
      came++;
    }
    syncFolder(folder);
  } catch (cause) {
    if (!undo || !moveBack(folder, { take, put: put.slice(0, came) })) throw pending(folder, cause);
    throw cause;
  }
  try {
    Deno.renameSync(`${saving}/whole`, `${saving}/new`);
  } catch (cause) {
    throw pending(folder, cause);
  }
  syncFolder(saving);
}

function pending(folder: string, cause: unknown): CheckpointError {
  return new CheckpointError(
    `Cannot write ${folder}: ${
      (cause as Error).message
    }. The new files are whole in ${folder}/${SAVING}/whole and loaded ` +
      "from there; the next time that the folder is written they are moved first",
    { cause },
  );
}

/** Whether the old files are where they were. */
function moveBack(folder: string, { take, put }: Moves): boolean {
  const saving = `${folder}/${SAVING}`;
  try {
    for (const name of put.toReversed()) Deno.removeSync(`${folder}/${name}`);
    for (const name of take.toReversed()) {
      if (exists(`${saving}/old/${name}`)) Deno.renameSync(`${saving}/old/${name}`, `${folder}/${name}`);
    }
    syncFolder(folder);
    Deno.renameSync(`${saving}/whole`, `${saving}/new`);
    return true;
  } catch {
    return false;
  }
}

/** A file under a second name; a copy where the disk knows no links. */
function place(from: string, to: string): void {
  try {
    Deno.linkSync(from, to);
  } catch (error) {
    if (exists(to) || !isFile(from) || !cannotLink(error)) throw error;
    writeBeside(to, () => chunksOf(from));
  }
}

/** Whether links are what failed: file systems without them say EPERM, ENOTSUP, EXDEV or EMLINK. */
function cannotLink(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied ||
    /os error (1|18|31|38|95|50)\b/.test((error as Error).message) ||
    error instanceof Deno.errors.NotSupported;
}

function* chunksOf(path: string): Generator<Uint8Array> {
  using file = Deno.openSync(path);
  const chunk = new Uint8Array(2 ** 22);
  for (let read; (read = file.readSync(chunk)) !== null;) yield chunk.subarray(0, read);
}

function movesOf(saving: string): Moves {
  const { take, put } = readJson(`${saving}/moves.json`);
  if (isNames(take) && isNames(put)) return { take, put };
  throw new CheckpointError(`Cannot read ${saving}/moves.json: it is damaged`);
}

/** The files that this library has written into a folder; undefined if it is another's. */
function written(folder: string): string[] | undefined {
  if (!isFile(`${folder}/${MANIFEST}`)) return undefined;
  const { files } = readJson(`${folder}/${MANIFEST}`);
  // A damaged list vouches for nothing.
  return isNames(files) ? files : undefined;
}

/** Whether a value is a list of names, none of which leads elsewhere. */
function isNames(value: unknown): value is string[] {
  return Array.isArray(value) &&
    value.every((name) => typeof name === "string" && !/[/\\]|^\.{0,2}$/.test(name) && name !== SAVING);
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch (cause) {
    throw new CheckpointError(`Cannot write ${folder}: ${(cause as Error).message}`, { cause });
  }
}
