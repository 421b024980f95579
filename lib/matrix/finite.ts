/**
 * Whether values are numbers that can be computed with.
 *
 * @module
 */
import { TensorError } from "../errors.ts";
import { type DType, toFloat32 } from "./dtype.ts";

/** Bits of a word that are all set where one of its values is infinite or NaN: two halves, or one float32. */
const EXPONENTS = {
  BF16: [0x7f800000, 0x7f80],
  F16: [0x7c000000, 0x7c00],
  F32: [0x7f800000, 0x7f800000],
} as const;

/**
 * Refuses NaN and infinities.
 *
 * @param values float32, or stored values of `dtype` F16 or BF16.
 * @param options `tensor`: what messages call it; `cols`: values of a row.
 * @throws {TensorError} naming the tensor, the first such value and its place.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { TensorError } from "any4";
 * assertThrows(() => checkFinite(Float32Array.of(1, NaN), { tensor: "a", cols: 2 }), TensorError, "row 0, column 1");
 * ```
 */
export function checkFinite(
  values: Float32Array | Uint8Array,
  options: { tensor: string; cols: number; dtype?: "F16" | "BF16" },
): void {
  const { tensor, cols, dtype } = options;
  if (allFinite(values, dtype)) return;
  const numbers = values instanceof Float32Array ? values : toFloat32(values, dtype as DType);
  const at = numbers.findIndex((value) => !Number.isFinite(value));
  throw new TensorError(
    `Cannot use ${tensor}: row ${Math.floor(at / cols)}, column ${at % cols} is ${
      numbers[at]
    }, expected finite numbers`,
  );
}

/** Whether no value is NaN or infinite; values are float32, or stored ones of `dtype`. */
export function allFinite(
  values: Float32Array | Uint8Array,
  dtype: keyof typeof EXPONENTS = "F32",
): boolean {
  const { buffer, byteOffset, byteLength } = values;
  if (byteOffset % 4 !== 0) return allFinite(values.slice(), dtype);
  const [high, low] = EXPONENTS[dtype];
  const words = new Uint32Array(buffer, byteOffset, byteLength >>> 2);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (((word & high) >>> 0) === high || (word & low) === low) return false;
  }
  if (byteLength % 4 === 0) return true;
  const [last] = new Uint16Array(buffer, byteOffset + byteLength - 2, 1);
  return (last! & EXPONENTS[dtype as "F16" | "BF16"][1]) !== EXPONENTS[dtype as "F16" | "BF16"][1];
}
