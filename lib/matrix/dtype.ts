/**
 * The number types of stored tensors, under safetensors' names, and the way from their bytes to float32 and back.
 *
 * Bytes are little-endian, as safetensors stores them and as every machine that runs Deno holds them, so that
 * typed arrays read them as they are.
 *
 * @module
 */
import { TensorError } from "../errors.ts";

/** How a tensor's values are stored, under safetensors' names. */
export type DType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "F8_E4M3"
  | "F8_E5M2"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8"
  | "BOOL";

/** The types that float32 values are written as. */
export type FloatType = "F32" | "F16" | "BF16";

/** Storage of a type. */
interface Storage {
  /** Bytes per value. */
  readonly bytes: number;
  /** Writes stored values to an array of as many float32 values. */
  readonly widen: (bytes: Uint8Array, out: Float32Array) => void;
}

const STORAGE: Readonly<Record<DType, Storage>> = {
  F64: { bytes: 8, widen: (bytes, out) => out.set(viewOf(Float64Array, bytes)) },
  F32: { bytes: 4, widen: (bytes, out) => bytesIn(out).set(bytes) },
  F16: { bytes: 2, widen: (bytes, out) => widenF16(viewOf(Float16Array, bytes), out) },
  BF16: { bytes: 2, widen: (bytes, out) => widenBF16(viewOf(Uint16Array, bytes), out) },
  F8_E4M3: { bytes: 1, widen: (bytes, out) => lookUp(bytes, E4M3 ??= tableE4M3(), out) },
  F8_E5M2: { bytes: 1, widen: (bytes, out) => lookUp(bytes, E5M2 ??= tableE5M2(), out) },
  I64: { bytes: 8, widen: (bytes, out) => widen64(viewOf(Int32Array, bytes), out, true) },
  I32: { bytes: 4, widen: (bytes, out) => out.set(viewOf(Int32Array, bytes)) },
  I16: { bytes: 2, widen: (bytes, out) => out.set(viewOf(Int16Array, bytes)) },
  I8: { bytes: 1, widen: (bytes, out) => out.set(viewOf(Int8Array, bytes)) },
  U64: { bytes: 8, widen: (bytes, out) => widen64(viewOf(Int32Array, bytes), out, false) },
  U32: { bytes: 4, widen: (bytes, out) => out.set(viewOf(Uint32Array, bytes)) },
  U16: { bytes: 2, widen: (bytes, out) => out.set(viewOf(Uint16Array, bytes)) },
  U8: { bytes: 1, widen: (bytes, out) => out.set(bytes) },
  BOOL: { bytes: 1, widen: (bytes, out) => out.set(bytes.map((byte) => byte === 0 ? 0 : 1)) },
};

/** True for the name of a {@linkcode DType}. */
export function isDType(name: unknown): name is DType {
  return typeof name === "string" && Object.hasOwn(STORAGE, name);
}

/**
 * The size of one value in bytes: 1, 2, 4 or 8.
 *
 * @example
 * ```ts
 * import { bytesOf } from "any4/learn";
 * import { assertEquals } from "@std/assert";
 * assertEquals(bytesOf("BF16"), 2);
 * ```
 */
export function bytesOf(dtype: DType): number {
  return STORAGE[dtype].bytes;
}

/**
 * Converts stored values to float32.
 *
 * Exact for F32, F16, BF16, both F8 kinds, BOOL (0 and 1) and whole numbers of up to 24 bits; F64 and larger whole
 * numbers are rounded to the nearest float32, ties to even.
 *
 * @param bytes the values, little-endian, at any offset into their buffer.
 * @param dtype their type.
 * @param out receives one float32 per value; a new array when absent.
 * @returns `out`.
 * @throws {TensorError} when `bytes` is not a whole number of values, or `out` does not have their number.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(toFloat32(Uint8Array.of(0x80, 0x3f, 0x00, 0xc0), "BF16"), Float32Array.of(1, -2));
 * ```
 */
export function toFloat32(bytes: Uint8Array, dtype: DType, out?: Float32Array): Float32Array {
  const size = bytesOf(dtype);
  const count = bytes.length / size;
  if (!Number.isInteger(count)) {
    throw new TensorError(`Cannot read ${dtype} values: ${bytes.length} bytes are not a multiple of ${size}`);
  }
  out ??= new Float32Array(count);
  if (out.length !== count) {
    throw new TensorError(`Cannot read ${count} ${dtype} values: the output holds ${out.length}`);
  }
  STORAGE[dtype].widen(bytes, out);
  return out;
}

/**
 * Float32 values as stored bytes: rounded to nearest, ties to even; what is too large becomes an infinity; NaN stays
 * NaN.
 *
 * @returns the bytes, little-endian. For F32 they are a view of `data`, not a copy.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(fromFloat32(Float32Array.of(1, -2), "BF16"), Uint8Array.of(0x80, 0x3f, 0x00, 0xc0));
 * ```
 */
export function fromFloat32(data: Float32Array, dtype: FloatType): Uint8Array {
  if (dtype === "F32") return bytesIn(data);
  if (dtype === "F16") {
    const halves = new Float16Array(data.length);
    for (let i = 0; i < data.length; i++) halves[i] = data[i]!;
    return bytesIn(halves);
  }
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = new Uint16Array(data.length);
  for (let i = 0; i < words.length; i++) halves[i] = narrowBF16(words[i]!);
  return bytesIn(halves);
}

/** The upper half of a float32's bits, rounded; a NaN is made quiet so that no payload is lost to infinity. */
function narrowBF16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** The bytes of a typed array, not a copy. */
function bytesIn(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

interface ViewClass<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset?: number, length?: number): T;
}

/** Bytes as a typed array: a view where they are aligned, else of a copy. */
function viewOf<T>(View: ViewClass<T>, bytes: Uint8Array): T {
  const size = View.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new View(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
}

/** A plain loop is twice as fast as out.set() here. */
function widenF16(values: Float16Array, out: Float32Array): void {
  for (let i = 0; i < values.length; i++) out[i] = values[i]!;
}

function widenBF16(values: Uint16Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < values.length; i++) bits[i] = values[i]! << 16;
}

function lookUp(codes: Uint8Array, table: Float32Array, out: Float32Array): void {
  for (let i = 0; i < codes.length; i++) out[i] = table[codes[i]!]!;
}

/** 64-bit whole numbers from pairs of words, low word first. */
function widen64(words: Int32Array, out: Float32Array, signed: boolean): void {
  for (let i = 0; i < out.length; i++) {
    let low = words[2 * i]! >>> 0;
    const high = signed ? words[2 * i + 1]! : words[2 * i + 1]! >>> 0;
    // Beyond 53 bits a double would round first and float32 again. Folding the lowest 11 bits into the one above
    // them ("round to odd") keeps the double exact and leaves float32's choice as it was.
    if ((high < -0x200000 || high > 0x1fffff) && (low & 0x7ff) !== 0) low = ((low & ~0x7ff) | 0x800) >>> 0;
    out[i] = high * 2 ** 32 + low;
  }
}

let E4M3: Float32Array | undefined;
let E5M2: Float32Array | undefined;

/** OCP FP8 E4M3: bias 7, no infinities, NaN only where all other bits are set; the largest number is 448. */
function tableE4M3(): Float32Array {
  return Float32Array.from({ length: 256 }, (_, code) => {
    const sign = code & 0x80 ? -1 : 1;
    const exponent = (code >>> 3) & 15;
    const fraction = (code & 7) / 8;
    if ((code & 0x7f) === 0x7f) return NaN;
    return exponent === 0 ? sign * fraction * 2 ** -6 : sign * (1 + fraction) * 2 ** (exponent - 7);
  });
}

/** OCP FP8 E5M2: the upper byte of a half. */
function tableE5M2(): Float32Array {
  const halves = Uint16Array.from({ length: 256 }, (_, code) => code << 8);
  return Float32Array.from(new Float16Array(halves.buffer));
}
