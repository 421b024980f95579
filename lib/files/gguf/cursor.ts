/**
 * Reads a GGUF header value by value, a MB of the file at a time.
 *
 * @module
 */
import { readAt } from "../safetensors/header.ts";
import type { Fail } from "../safetensors/messages.ts";

const CHUNK = 2 ** 20;

/** Longer texts, and more items of lists in all, are no model's, and would only exhaust memory. */
const LONGEST_TEXT = 2 ** 24;
const MOST_ITEMS = 2 ** 24;
/** Lists in lists. */
const DEEPEST = 4;

/** A value of a header's metadata. */
export type GgufValue = number | boolean | string | readonly GgufValue[];

/** How each type of number is read, by its code. 64-bit whole numbers become the next double. */
const NUMBERS: Readonly<
  Record<number, readonly [bytes: number, read: (at: number, from: DataView) => number]>
> = {
  0: [1, (at, from) => from.getUint8(at)],
  1: [1, (at, from) => from.getInt8(at)],
  2: [2, (at, from) => from.getUint16(at, true)],
  3: [2, (at, from) => from.getInt16(at, true)],
  4: [4, (at, from) => from.getUint32(at, true)],
  5: [4, (at, from) => from.getInt32(at, true)],
  6: [4, (at, from) => from.getFloat32(at, true)],
  10: [8, (at, from) => Number(from.getBigUint64(at, true))],
  11: [8, (at, from) => Number(from.getBigInt64(at, true))],
  12: [8, (at, from) => from.getFloat64(at, true)],
};
const [UINT32, BOOL, STRING, ARRAY, UINT64] = [4, 7, 8, 9, 10];

/** Where a header is read. What is malformed, or cut off, makes `fail` throw. */
export class HeaderCursor {
  readonly #file: Deno.FsFile;
  readonly #size: number;
  readonly #fail: Fail;
  // A byte order mark is part of a token.
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  #bytes = new Uint8Array();
  #view = new DataView(this.#bytes.buffer);
  /** Where in the file the chunk begins, and where in the chunk is read next. */
  #start = 0;
  #at = 0;
  #items = 0;

  constructor(file: Deno.FsFile, fail: Fail) {
    this.#file = file;
    this.#size = file.statSync().size;
    this.#fail = fail;
  }

  /** The place in the file. */
  get position(): number {
    return this.#start + this.#at;
  }

  /** Makes sure that so many bytes are there; @returns where in the chunk they begin, and moves on. */
  #take(count: number): number {
    if (this.#at + count > this.#bytes.length) {
      if (!(count <= this.#size - this.position)) this.#fail("its header is cut off");
      this.#start += this.#at;
      this.#at = 0;
      const wanted = Math.min(Math.max(count, CHUNK), this.#size - this.#start);
      if (this.#bytes.length !== wanted) this.#bytes = new Uint8Array(wanted);
      if (readAt(this.#file, this.#start, this.#bytes) < wanted) this.#fail("its header is cut off");
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#at += count;
    return this.#at - count;
  }

  /** A 32-bit number. */
  uint32(): number {
    return this.#number(UINT32);
  }

  /** A 64-bit number, rounded beyond 2^53. */
  uint64(): number {
    return this.#number(UINT64);
  }

  /** A length in 64 bits, and as many bytes of UTF-8. */
  text(): string {
    const length = this.uint64();
    if (length > LONGEST_TEXT) this.#fail(`a text of its header has ${length} bytes`);
    const at = this.#take(length);
    return this.#utf8.decode(this.#bytes.subarray(at, at + length));
  }

  /** A type's code and a value of it. */
  value(): GgufValue {
    return this.#value(this.uint32(), 0);
  }

  #number(type: number): number {
    const [bytes, read] = NUMBERS[type]!;
    return read(this.#take(bytes), this.#view);
  }

  #value(type: number, depth: number): GgufValue {
    if (type in NUMBERS) return this.#number(type);
    if (type === BOOL) return this.#number(0) !== 0;
    if (type === STRING) return this.text();
    if (type === ARRAY && depth < DEEPEST) return this.#list(depth);
    return this.#fail(`a value of its header has the unknown type ${type}`);
  }

  #list(depth: number): GgufValue[] {
    const type = this.uint32();
    const count = this.uint64();
    this.#items += count;
    // An item takes a byte at least.
    if (count > this.#size - this.position) this.#fail("its header is cut off");
    if (this.#items > MOST_ITEMS) this.#fail(`lists of its header have more than ${MOST_ITEMS} items`);
    return Array.from({ length: count }, () => this.#value(type, depth + 1));
  }
}
