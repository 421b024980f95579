/**
 * The header of a GGUF file, read by @huggingface/gguf and checked against the file, so that a broken or hostile one
 * costs little.
 *
 * @module
 */
import { Any4Error, CheckpointError } from "../../errors.ts";
import { readAt } from "../safetensors/header.ts";
import { quote, showShape } from "../safetensors/messages.ts";
import { GGML_TYPES } from "./types.ts";

/** Metadata by key: numbers, booleans, strings and lists of them. */
export type GgufMetadata = Readonly<Record<string, unknown>>;

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

/** What a tensor and a key take in a header at least, in bytes. */
const LEAST_TENSOR = 24;
const LEAST_KEY = 13;

/**
 * Reads and checks a header.
 *
 * @param path for messages.
 * @throws {CheckpointError} when it is malformed in any way, or its tensors are not whole in the file.
 */
export async function readGgufHeader(file: Deno.FsFile, path: string): Promise<GgufHeader> {
  const fail = (what: string, cause?: unknown): never => {
    throw new CheckpointError(`Cannot read ${path}: ${what}`, { cause });
  };
  const { size } = file.statSync();
  checkStart(file, size, fail);
  const { gguf, GGMLQuantizationType } = await import("npm:@huggingface/gguf@0.4.6");
  let parsed;
  try {
    // The library reads files by ranges over HTTP; here they come from the open file.
    parsed = await gguf("https://file.invalid/", { fetch: rangesOf(file, size, fail) });
  } catch (cause) {
    if (cause instanceof Any4Error) throw cause;
    return fail(`its header is malformed: ${(cause as Error).message}`, cause);
  }
  const start = Number(parsed.tensorDataOffset);
  // Past the file's end the library takes zeros for values.
  if (parsed.tensorInfoByteRange[1] > size || (parsed.tensorInfos.length > 0 && start > size)) {
    fail("its header is cut off");
  }
  if (!parsed.littleEndian) fail("its numbers are big-endian, which is not supported");
  const tensors = new Map<string, GgufTensor>();
  for (const { name, shape: sizes, dtype, offset: from } of parsed.tensorInfos) {
    const tensor = `tensor ${quote(name)}`;
    if (tensors.has(name)) fail(`${tensor} is there twice`);
    const shape = sizes.map(Number).reverse();
    const type = GGMLQuantizationType[dtype] ?? `type ${dtype}`;
    const stored = Object.hasOwn(GGML_TYPES, type) ? GGML_TYPES[type] : undefined;
    const count = shape.reduce((product, n) => product * n, 1);
    const cols = shape.at(-1) ?? 1;
    if (stored && cols % stored.values !== 0) {
      fail(`${tensor} of shape ${showShape(shape)} is ${type}, whose blocks have ${stored.values} values`);
    }
    const bytes = stored ? count / stored.values * stored.bytes : 0;
    const offset = start + Number(from);
    if (!(offset + bytes <= size)) {
      fail(`${tensor} is cut off: it ends at ${offset + bytes}, the file has ${size} bytes`);
    }
    tensors.set(name, { name, type, shape, offset, bytes });
  }
  return { metadata: parsed.metadata as unknown as GgufMetadata, tensors };
}

/** The part of fixed size: "GGUF", version, how many tensors and keys. Counts that the file has no room for are lies. */
function checkStart(file: Deno.FsFile, size: number, fail: (what: string) => never): void {
  const start = new Uint8Array(24);
  const read = readAt(file, 0, start);
  const view = new DataView(start.buffer);
  if (read < 4 || view.getUint32(0) !== 0x47475546) fail('it does not begin with "GGUF"');
  if (read < start.length) fail("its header is cut off");
  const version = view.getUint32(4, true);
  if (version !== 2 && version !== 3) fail(`its version must be 2 or 3, current value is ${version}`);
  const [tensors, keys] = [view.getBigUint64(8, true), view.getBigUint64(16, true)];
  if (Number(tensors) * LEAST_TENSOR + Number(keys) * LEAST_KEY > size) {
    fail(`its ${size} bytes have no room for ${tensors} tensors and ${keys} keys`);
  }
}

/** A `fetch` that knows one file. */
function rangesOf(file: Deno.FsFile, size: number, fail: (what: string) => never): typeof fetch {
  let ended = false;
  return (_, init) => {
    const [from, to] = (new Headers(init?.headers).get("range") ?? "").slice(6).split("-").map(Number);
    // The library reads ahead, so the end may be asked for once.
    if (from! >= size && ended) fail("its header is cut off");
    ended = from! >= size;
    const bytes = new Uint8Array(Math.max(Math.min(to! + 1, size) - from!, 0));
    readAt(file, from!, bytes);
    return Promise.resolve(new Response(bytes));
  };
}
