/**
 * The header of a safetensors file: the position of each tensor, in JSON. It is checked completely before anything else
 * is read, so that a broken or hostile file costs nothing.
 *
 * It accepts the headers that the format's own library (the Rust crate `safetensors`) accepts, except for those that
 * the format forbids or that no program writes: repeated keys, tensors as lists instead of objects, sizes of 2^53 and
 * more, more than 64 dimensions.
 *
 * @module
 */
import { bytesOf, type DType, isDType } from "../../matrix/dtype.ts";
import { JsonCursor } from "./json.ts";
import { type Fail, quote, showShape } from "./messages.ts";

/** A tensor in a file; its type may be one that cannot be read. */
export interface TensorEntry {
  /** The tensor's name. */
  readonly name: string;
  /** The type of its values, under the format's name. */
  readonly dtype: string;
  /** Its sizes; empty for a single number. */
  readonly shape: readonly number[];
  /** Its first byte in the file. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly bytes: number;
}

/** Where a tensor lies in a file. */
export interface TensorInfo extends TensorEntry {
  /** The type of its values. */
  readonly dtype: DType;
}

/** The content of a header. */
export interface Header {
  /** Every tensor by name, in the header's order. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Its `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own limit, in bytes. */
export const LARGEST_HEADER_BYTES = 100_000_000;

/** As many dimensions as NumPy has; the format sets no limit. */
const MOST_DIMENSIONS = 64;

/** The format's other types, in bits a value. A file may have them; reading such a tensor is an error. */
const OTHER_TYPES: Readonly<Record<string, number>> = {
  C64: 64,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
};

/**
 * Reads the header of an open file.
 *
 * @param file the file; its position is moved.
 * @param fail throws, when the header is malformed.
 */
export function readHeader(file: Deno.FsFile, fail: Fail): Header {
  const { size } = file.statSync();
  const prefix = new Uint8Array(8);
  if (readAt(file, 0, prefix) < 8) fail(`a safetensors file has at least 8 bytes, this one has ${size}`);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(LARGEST_HEADER_BYTES)) {
    fail(`its header must take at most ${LARGEST_HEADER_BYTES} bytes, current length is ${length}`);
  }
  const start = 8 + Number(length);
  if (start > size) fail(`its header takes ${length} bytes, but the file has ${size}`);
  const bytes = new Uint8Array(Number(length));
  if (readAt(file, 8, bytes) < bytes.length) fail("its header is cut off");
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    fail("its header is not UTF-8", cause);
  }
  return parseHeader(text, { start, end: size, fail });
}

/**
 * Fills `out` from a place in a file.
 *
 * @returns the number of bytes read.
 */
export function readAt(file: Deno.FsFile, offset: number, out: Uint8Array): number {
  file.seekSync(offset, Deno.SeekMode.Start);
  let done = 0;
  // One read returns at most 2 GiB − 4 KiB.
  while (done < out.length) {
    const read = file.readSync(out.subarray(done));
    if (read === null) break;
    done += read;
  }
  return done;
}

/** Fills `out` with the bytes of a file from `offset` on; `fail` throws where they cannot be read, or are no longer there. */
export function fillFrom(
  file: Deno.FsFile,
  { offset, fail }: { offset: number; fail: (what: string, cause?: unknown) => never },
  out: Uint8Array,
): void {
  let read = 0;
  try {
    read = readAt(file, offset, out);
  } catch (cause) {
    fail((cause as Error).message, cause);
  }
  if (read < out.length) fail(`the file has become shorter, ${out.length - read} bytes are missing`);
}

/**
 * Reads a header's text.
 *
 * @param text the JSON.
 * @param options `start` and `end`: the bytes of the file that tensors fill; `fail`: what throws.
 */
export function parseHeader(text: string, options: { start: number; end: number; fail: Fail }): Header {
  const { start, end, fail } = options;
  const json = new JsonCursor(text, { name: "its header", fail });
  const entries: Entry[] = [];
  const metadata: [string, string][] = [];
  json.members("its header", (name) => {
    if (name !== "__metadata__") entries.push(readEntry(name, json, fail));
    else if (!json.isNull()) {
      json.members("__metadata__", (key) => {
        metadata.push([key, json.string(`__metadata__ ${quote(key)} to be a string`)]);
      });
    }
  });
  json.end();
  checkLayout(entries, { held: end - start, fail });
  const places = entries.map(({ name, dtype, shape, from, to }) =>
    [name, { name, dtype, shape, offset: start + from, bytes: to - from }] as const
  );
  return { tensors: new Map(places), metadata: Object.fromEntries(metadata) };
}

/** A tensor as the header has it; offsets count from the header's end. */
interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** Reads `{"dtype", "shape", "data_offsets"}`. */
function readEntry(name: string, json: JsonCursor, fail: Fail): Entry {
  const tensor = `tensor ${quote(name)}`;
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  json.members(tensor, (key) => {
    if (key === "dtype") dtype = json.string(`${tensor} to have a string as its dtype`);
    else if (key === "shape") {
      shape = readSizes(`${tensor} to have a shape of whole numbers below 2^53`, json);
    } else if (key === "data_offsets") {
      offsets = readSizes(`${tensor} to have data_offsets of two whole numbers`, json);
    } else json.skip();
  });
  if (dtype === undefined) return fail(`${tensor} has no dtype`);
  if (shape === undefined) return fail(`${tensor} has no shape`);
  if (offsets === undefined) return fail(`${tensor} has no data_offsets`);
  if (bitsOf(dtype) === undefined) fail(`${tensor} has an unknown dtype ${quote(dtype)}`);
  if (shape.length > MOST_DIMENSIONS) {
    fail(`${tensor} must have at most ${MOST_DIMENSIONS} dimensions, current shape is longer`);
  }
  const [from, to, ...more] = offsets;
  if (from === undefined || to === undefined || more.length > 0) {
    return fail(`${tensor} must have two data_offsets, current value is ${showShape(offsets)}`);
  }
  return { name, dtype, shape, from, to };
}

/** Reads a list of numbers. Of a list that is too long, it keeps only enough to report that. */
function readSizes(expected: string, json: JsonCursor): number[] {
  const sizes: number[] = [];
  json.items(expected, () => {
    const size = json.whole(expected);
    if (sizes.length <= MOST_DIMENSIONS) sizes.push(size);
  });
  return sizes;
}

function bitsOf(dtype: string): number | undefined {
  if (isDType(dtype)) return 8 * bytesOf(dtype);
  return Object.hasOwn(OTHER_TYPES, dtype) ? OTHER_TYPES[dtype] : undefined;
}

/** Each tensor as large as its shape says, one behind the other, from the header's end to the file's end. */
function checkLayout(entries: readonly Entry[], { held, fail }: { held: number; fail: Fail }): void {
  let end = 0;
  let before = "the header";
  for (const { name, dtype, shape, from, to } of entries.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    const tensor = `tensor ${quote(name)}`;
    const where = `its data_offsets are ${from} to ${to}`;
    if (to < from) fail(`${tensor} ends before it starts, ${where}`);
    if (from < end) fail(`${tensor} overlaps ${before}, which ends at ${end}, ${where}`);
    if (from > end) fail(`${tensor} leaves a hole behind ${before}, which ends at ${end}, ${where}`);
    if (to > held) fail(`${tensor} is cut off: ${where}, but only ${held} bytes follow the header`);
    const needed = countValues(shape) * bitsOf(dtype)! / 8;
    if (needed !== to - from) {
      fail(`${tensor}, ${dtype} of shape ${showShape(shape)}, takes ${needed} bytes, but ${where}`);
    }
    end = to;
    before = tensor;
  }
  if (end < held) fail(`its tensors end at ${end}, but ${held} bytes follow the header`);
}

/** Stops at 2^64, as the format's own library does: a 0 hides what follows it, not what comes before. */
function countValues(shape: readonly number[]): number {
  return shape.reduce((count, n) => count < 2 ** 64 ? count * n : count, 1);
}
