/**
 * Types in which weights lie in memory: as their checkpoint stores them, where that loses nothing.
 *
 * @module
 */

/** Storage of a type. */
interface Storage {
  /** Its number in kernels/wasm/dtype.ts. */
  readonly id: number;
  /** Bytes of a value. */
  readonly bytes: number;
  /** Whether every value can be stored exactly. */
  readonly holds: (data: Float32Array) => boolean;
  /** Stores values at an address of a memory. */
  readonly write: (data: Float32Array, memory: ArrayBufferLike, address: number) => void;
}

/** A type's name. */
export type Stored = "F32" | "F16" | "BF16" | "E8M0";

/** The types that the kernels read. */
export const STORED: Readonly<Record<Stored, Storage>> = {
  F32: {
    id: 0,
    bytes: 4,
    holds: () => true,
    write: (data, memory, at) => new Float32Array(memory, at, data.length).set(data),
  },
  F16: {
    id: 1,
    bytes: 2,
    // The kernels take infinities and NaN for numbers.
    holds: (data) => data.every((value) => Math.f16round(value) === value && Number.isFinite(value)),
    write: (data, memory, at) => {
      const halves = new Float16Array(memory, at, data.length);
      for (let i = 0; i < data.length; i++) halves[i] = data[i]!;
    },
  },
  BF16: {
    id: 2,
    bytes: 2,
    holds: (data) => wordsOf(data).every((word) => (word & 0xffff) === 0),
    write: (data, memory, at) => {
      const words = wordsOf(data);
      const halves = new Uint16Array(memory, at, data.length);
      for (let i = 0; i < words.length; i++) halves[i] = words[i]! >>> 16;
    },
  },
  E8M0: {
    id: 3,
    bytes: 1,
    holds: (data) => {
      const words = wordsOf(data);
      return data.every((value, i) => value === 2 ** ((words[i]! >>> 23) - 127));
    },
    write: (data, memory, at) => {
      new Uint8Array(memory, at, data.length).set(wordsOf(data).map((word) => word >>> 23));
    },
  },
};

/** The bits of float32 values. */
function wordsOf(data: Float32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}

/** The type to store arrays in: the wanted one if it holds all of their values, else float32. */
export function storedType(wanted: Stored, arrays: readonly Float32Array[]): Stored {
  return arrays.every((data) => STORED[wanted].holds(data)) ? wanted : "F32";
}
