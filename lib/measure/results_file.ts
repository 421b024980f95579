/**
 * Results that are kept line by line, so that what has been measured is not measured again.
 *
 * @module
 */
import { dirname } from "node:path";
import { CheckpointError } from "../errors.ts";
import { exists } from "../files/disk.ts";
import { isObject } from "../files/json_file.ts";
import { sha256 } from "../files/sha256.ts";

/** A line: the settings that a result depends on, hashed, and the result. */
export interface Kept {
  /** The hash of the settings. */
  readonly key: string;
}

/** The key of some settings: the same settings have the same key. */
export function keyOf(settings: Readonly<Record<string, unknown>>): string {
  return sha256([JSON.stringify(Object.entries(settings).toSorted(([a], [b]) => a < b ? -1 : 1))]).slice(
    0,
    16,
  );
}

/** A file of results, one JSON object a line; in memory alone without a path. */
export class ResultsFile<Result extends Kept> {
  readonly #path?: string;
  readonly #results = new Map<string, Result>();

  /**
   * Opens a file of results, or begins one, and its folder: what is to be kept for hours is known to have a place.
   *
   * @throws {CheckpointError} when the file cannot be read or written, or a line but the last holds no result.
   */
  constructor(path?: string) {
    this.#path = path;
    if (path === undefined) return;
    begin(path);
    const lines = read(path).split("\n");
    const cut = lines.pop()!;
    for (const [i, line] of lines.entries()) {
      const result = parse(line);
      if (!result) throw new CheckpointError(`Cannot read results of ${path}: line ${i + 1} is no result`);
      this.#results.set(result.key, result as Result);
    }
    // A process that was killed while it wrote left a line without an end.
    if (cut !== "") Deno.truncateSync(path, Deno.statSync(path).size - new TextEncoder().encode(cut).length);
  }

  /** All results, in the order in which they were measured. */
  get all(): Result[] {
    return [...this.#results.values()];
  }

  /** The result of a key; undefined if it has not been measured. */
  get(key: string): Result | undefined {
    return this.#results.get(key);
  }

  /**
   * Adds a result to the file.
   *
   * @throws {CheckpointError} when it cannot be written.
   */
  add(result: Result): void {
    this.#results.set(result.key, result);
    if (this.#path === undefined) return;
    try {
      Deno.writeTextFileSync(this.#path, JSON.stringify(result) + "\n", { append: true });
    } catch (cause) {
      throw new CheckpointError(`Cannot write ${this.#path}: ${(cause as Error).message}`, { cause });
    }
  }
}

function begin(path: string): void {
  try {
    if (!exists(path)) Deno.mkdirSync(dirname(path), { recursive: true });
    Deno.openSync(path, { append: true, create: true }).close();
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotCapable
      ? "this program may not write there (--allow-write); a task may below its folder and the one it is called from"
      : (cause as Error).message;
    throw new CheckpointError(`Cannot write ${path}: ${why}`, { cause });
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new CheckpointError(`Cannot read results of ${path}: ${(cause as Error).message}`, { cause });
  }
}

function parse(line: string): Kept | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) && typeof value.key === "string" ? value as unknown as Kept : undefined;
  } catch {
    return undefined;
  }
}
