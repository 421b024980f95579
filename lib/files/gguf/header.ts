/**
 * The header of a GGUF file (ggml's docs/gguf.md), checked against the file, so that a broken or hostile one costs little.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { type Fail, quote, showShape } from "../safetensors/messages.ts";
import { type GgufValue, HeaderCursor } from "./cursor.ts";
import { GGML_TYPES, typeName } from "./types.ts";

/** Metadata by key: numbers, booleans, strings and lists of them. */
export type GgufMetadata = Readonly<Record<string, GgufValue>>;

/** A tensor in a file. */
export interface GgufTensor {
  /** Its name in the file. */
  readonly name: string;
  /** Its type, by ggml's name; it may be one that cannot be read. */
  readonly type: string;
  /** Its sizes, [rows, cols]: GGUF itself has the fastest first. */
  readonly shape: readonly number[];
  /** Where it begins in the file. */
  readonly offset: number;
  /** Bytes that it takes there; 0 where the type cannot be read. */
  readonly bytes: number;
}

/** What a file holds. */
export interface GgufHeader {
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** "GGUF". */
const MAGIC = 0x46554747;
/** What a tensor and a key take in a header at least, in bytes. */
const LEAST_TENSOR = 24;
const LEAST_KEY = 13;
/** ggml's GGML_MAX_DIMS. */
const MOST_DIMENSIONS = 4;
/** Where tensors begin at multiples of, unless a file says otherwise. */
const ALIGNMENT = 32;

/**
 * Reads and checks a header.
 *
 * @param path for messages.
 * @throws {CheckpointError} when it is malformed in any way, or its tensors are not whole in the file.
 */
export function readGgufHeader(file: Deno.FsFile, path: string): GgufHeader {
  const fail: Fail = (what, cause) => {
    throw new CheckpointError(`Cannot read ${path}: ${what}`, { cause });
  };
  const { size } = file.statSync();
  const cursor = new HeaderCursor(file, fail);
  if (size < 4 || cursor.uint32() !== MAGIC) fail('it does not begin with "GGUF"');
  checkVersion(cursor.uint32(), fail);
  const [tensors, keys] = [cursor.uint64(), cursor.uint64()];
  if (tensors * LEAST_TENSOR + keys * LEAST_KEY > size) {
    fail(`its ${size} bytes are too few for ${tensors} tensors and ${keys} keys`);
  }
  const metadata: Record<string, GgufValue> = Object.create(null);
  for (let i = 0; i < keys; i++) {
    const key = cursor.text();
    if (key in metadata) fail(`key ${quote(key)} is there twice`);
    metadata[key] = cursor.value();
  }
  const places = Array.from({ length: tensors }, () => readTensor(cursor, fail));
  const alignment = metadata["general.alignment"] ?? ALIGNMENT;
  if (typeof alignment !== "number" || !(alignment > 0 && Number.isSafeInteger(Math.log2(alignment)))) {
    fail(`general.alignment must be a power of 2, current value is ${alignment}`);
  }
  const start = Math.ceil(cursor.position / Number(alignment)) * Number(alignment);
  return { metadata, tensors: placed(places, { start, size, fail }) };
}

function checkVersion(version: number, fail: Fail): void {
  if (version === 2 || version === 3) return;
  if (version !== 0 && version % 2 ** 24 === 0) fail("its numbers are big-endian, which is not supported");
  fail(`its version must be 2 or 3, current value is ${version}`);
}

/** A tensor's name, sizes, type, and its offset behind the header. */
function readTensor(cursor: HeaderCursor, fail: Fail): Omit<GgufTensor, "bytes"> {
  const name = cursor.text();
  const dimensions = cursor.uint32();
  if (dimensions > MOST_DIMENSIONS) {
    fail(`tensor ${quote(name)} has ${dimensions} dimensions, at most ${MOST_DIMENSIONS} are read`);
  }
  const shape = Array.from({ length: dimensions }, () => cursor.uint64()).reverse();
  return { name, shape, type: typeName(cursor.uint32()), offset: cursor.uint64() };
}

/** Tensors by name, each whole in the file. */
function placed(
  tensors: readonly Omit<GgufTensor, "bytes">[],
  { start, size, fail }: { start: number; size: number; fail: Fail },
): Map<string, GgufTensor> {
  const found = new Map<string, GgufTensor>();
  for (const { name, type, shape, offset: from } of tensors) {
    const tensor = `tensor ${quote(name)}`;
    if (found.has(name)) fail(`${tensor} is there twice`);
    const stored = Object.hasOwn(GGML_TYPES, type) ? GGML_TYPES[type] : undefined;
    const count = shape.reduce((product, n) => product * n, 1);
    if (stored && (shape.at(-1) ?? 1) % stored.values !== 0) {
      fail(`${tensor} of shape ${showShape(shape)} is ${type}, whose blocks have ${stored.values} values`);
    }
    const bytes = stored ? count / stored.values * stored.bytes : 0;
    const offset = start + from;
    if (!(offset + bytes <= size)) {
      fail(`${tensor} is cut off: it ends at ${offset + bytes}, the file has ${size} bytes`);
    }
    found.set(name, { name, type, shape, offset, bytes });
  }
  return found;
}
