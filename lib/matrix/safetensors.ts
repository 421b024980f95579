/**
 * Safetensors files: a header that says where each tensor lies, then their bytes. The header is checked whole before
 * anything else is read, so that a broken or hostile file costs nothing.
 *
 * @module
 */
import { CheckpointError } from "../errors.ts";
import { bytesOf, type DType, isDType } from "./dtype.ts";

/** Where a tensor lies in a file. */
export interface TensorInfo {
  /** The tensor's name. */
  readonly name: string;
  /** The type of its values. */
  readonly dtype: DType;
  /** Its sizes; empty for a single number. */
  readonly shape: readonly number[];
  /** Its first byte in the file. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly bytes: number;
}

/** A tensor to be written. */
export interface TensorToWrite {
  /** The tensor's name. */
  readonly name: string;
  /** The type of its values. */
  readonly dtype: DType;
  /** Its sizes. */
  readonly shape: readonly number[];
  /** Its bytes, asked for once, when its turn comes. */
  readonly data: () => Uint8Array;
}

/** The format's own limit. */
const LARGEST_HEADER = 100_000_000;

/** One readSync returns at most 2 GiB − 4 KiB, whatever it is asked for. */
const LARGEST_READ = 2 ** 30;

/** Fills `out` from a place in a file; returns how many bytes there were. */
function readAt(file: Deno.FsFile, offset: number, out: Uint8Array): number {
  file.seekSync(offset, Deno.SeekMode.Start);
  let done = 0;
  while (done < out.length) {
    const read = file.readSync(out.subarray(done, Math.min(out.length, done + LARGEST_READ)));
    if (read === null) break;
    done += read;
  }
  return done;
}

/** An open safetensors file; tensors are read when asked for. */
export class SafetensorsFile implements Disposable {
  /** Where the file lies. */
  readonly path: string;
  /** Every tensor by name, in the header's order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The header's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile, header: Header) {
    this.path = path;
    this.#file = file;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws {CheckpointError} when the file is missing or its header is malformed in any way.
   */
  static open(path: string): SafetensorsFile {
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path);
    } catch (cause) {
      throw new CheckpointError(`Cannot open ${path}: ${(cause as Error).message}`, { cause });
    }
    try {
      return new SafetensorsFile(path, file, readHeader(path, file));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Where a tensor lies.
   *
   * @throws {CheckpointError} when there is none of that name.
   */
  info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (!info) {
      throw new CheckpointError(`Cannot find tensor ${name} in ${this.path}, which has ${this.tensors.size}`);
    }
    return info;
  }

  /**
   * The bytes of a tensor.
   *
   * @throws {CheckpointError} when there is none of that name, or the file has shrunk since it was opened.
   */
  read(name: string): Uint8Array {
    const { offset, bytes } = this.info(name);
    const out = new Uint8Array(bytes);
    const read = readAt(this.#file, offset, out);
    if (read < bytes) {
      throw new CheckpointError(`Cannot read ${name} of ${this.path}: ${bytes - read} bytes are missing`);
    }
    return out;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

interface Header {
  readonly tensors: Map<string, TensorInfo>;
  readonly metadata: Record<string, string>;
}

function readHeader(path: string, file: Deno.FsFile): Header {
  const fail = (what: string, cause?: unknown) =>
    new CheckpointError(`Cannot read ${path}: ${what}`, { cause });
  const size = file.statSync().size;
  const prefix = new Uint8Array(8);
  if (readAt(file, 0, prefix) < 8) throw fail(`a safetensors file has at least 8 bytes, this one ${size}`);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(LARGEST_HEADER)) {
    throw fail(`its header claims ${length} bytes, more than ${LARGEST_HEADER}`);
  }
  const start = 8 + Number(length);
  if (start > size) throw fail(`its header claims ${length} bytes, the file has ${size}`);
  const bytes = new Uint8Array(Number(length));
  readAt(file, 8, bytes);
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw fail("its header is not JSON in UTF-8", cause);
  }
  if (!text.startsWith("{") || typeof header !== "object" || header === null || Array.isArray(header)) {
    throw fail('its header must be a JSON object and start with "{"');
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw fail(`its header has ${JSON.stringify(twice)} twice`);

  const tensors = new Map<string, TensorInfo>();
  const metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header as Record<string, unknown>)) {
    if (name === "__metadata__") Object.assign(metadata, checkMetadata(entry, fail));
    else tensors.set(name, checkEntry(name, entry, { start, size, fail }));
  }
  // Tensors must lie one behind the other and fill the file.
  let end = start;
  for (
    const { name, offset, bytes } of [...tensors.values()].sort((a, b) =>
      a.offset - b.offset || a.bytes - b.bytes
    )
  ) {
    if (offset !== end) {
      throw fail(`tensor ${name} starts at byte ${offset}, the one before it ends at ${end}`);
    }
    end = offset + bytes;
  }
  if (end !== size) throw fail(`its tensors end at byte ${end}, the file at ${size}`);
  return { tensors, metadata };
}

type Fail = (what: string) => CheckpointError;

function checkMetadata(entry: unknown, fail: Fail): Record<string, string> {
  const values = typeof entry === "object" && entry !== null && !Array.isArray(entry)
    ? Object.values(entry)
    : [0];
  if (values.some((value) => typeof value !== "string")) {
    throw fail("__metadata__ must map strings to strings");
  }
  return entry as Record<string, string>;
}

function checkEntry(
  name: string,
  entry: unknown,
  file: { start: number; size: number; fail: Fail },
): TensorInfo {
  const { start, size, fail } = file;
  const what = `tensor ${JSON.stringify(name)}`;
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (!isDType(dtype)) throw fail(`${what} has an unknown dtype ${JSON.stringify(dtype)}`);
  if (!isSizes(shape)) {
    throw fail(`${what} must have a shape of whole numbers, current value is ${JSON.stringify(shape)}`);
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw fail(`${what} must have two data_offsets, current value is ${JSON.stringify(offsets)}`);
  }
  const [from, to] = offsets as [number, number];
  if (to < from || start + to > size) {
    throw fail(`${what} lies at bytes ${from} to ${to}, of ${size - start} there are`);
  }
  const expected = shape.reduce((product, n) => product * n, bytesOf(dtype));
  if (expected !== to - from) {
    throw fail(
      `${what}, ${dtype} of shape [${shape}], takes ${expected} bytes, its data_offsets span ${to - from}`,
    );
  }
  return { name, dtype, shape, offset: start + from, bytes: to - from };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/** The first key that the outermost object of a valid JSON text has twice; JSON.parse would keep the last. */
function duplicateKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    else if (char === '"') {
      const from = i++;
      while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
      if (depth !== 1 || !/^\s*:/.test(text.slice(i + 1, i + 16))) continue;
      const key = JSON.parse(text.slice(from, i + 1)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

/**
 * Writes a safetensors file, a tensor at a time, beside its place and renames it when it is whole.
 *
 * @throws {CheckpointError} when a tensor's data has the wrong size or writing fails; what was there before stays.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Record<string, string> = {},
): void {
  // Wide types first keeps every tensor aligned to its own type.
  const ordered = [...tensors].sort((a, b) =>
    bytesOf(b.dtype) - bytesOf(a.dtype) || (a.name < b.name ? -1 : 1)
  );
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    const bytes = shape.reduce((product, n) => product * n, bytesOf(dtype));
    header[name] = { dtype, shape, data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const start = new Uint8Array(8 + length).fill(32);
  new DataView(start.buffer).setBigUint64(0, BigInt(length), true);
  start.set(text, 8);

  const part = `${path}.part`;
  try {
    using file = Deno.openSync(part, { write: true, create: true, truncate: true });
    writeAll(file, start);
    for (const { name, dtype, shape, data } of ordered) {
      const bytes = data();
      const expected = shape.reduce((product, n) => product * n, bytesOf(dtype));
      if (bytes.length !== expected) {
        throw new CheckpointError(
          `Cannot write ${name}: [${shape}] of ${dtype} takes ${expected} bytes, not ${bytes.length}`,
        );
      }
      writeAll(file, bytes);
    }
    file.syncSync();
  } catch (cause) {
    try {
      Deno.removeSync(part);
    } catch {
      // It may never have been made.
    }
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
  Deno.renameSync(part, path);
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}
