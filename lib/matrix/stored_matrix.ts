/**
 * Dense matrices that are kept as their checkpoint stores them.
 *
 * @module
 */
import { toFloat32 } from "./dtype.ts";
import type { Matrix } from "./matrix.ts";

/** Types of which a matrix keeps the bytes: those that backends compute with. */
export type StoredType = "F16" | "BF16";

/** True for a type of which a matrix keeps the bytes. */
export function isStoredType(dtype: string): dtype is StoredType {
  return dtype === "F16" || dtype === "BF16";
}

/** Not a property of matrices, which copies with other data would have too. */
const kept = new WeakMap<Matrix, Uint8Array>();

/**
 * A matrix of stored values, which widens them to a new array each time that its `data` is asked for.
 *
 * @param stored rows · cols values, row by row, little-endian; they are not copied, and not to be changed any more.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const matrix = storedMatrix(Uint8Array.of(0x80, 0x3f, 0x00, 0xc0), { rows: 1, cols: 2, dtype: "BF16" });
 * assertEquals(matrix.data, Float32Array.of(1, -2));
 * ```
 */
export function storedMatrix(
  stored: Uint8Array,
  shape: { rows: number; cols: number; dtype: StoredType },
): Matrix {
  const { rows, cols, dtype } = shape;
  const matrix = {
    rows,
    cols,
    dtype,
    get data() {
      return toFloat32(stored, dtype);
    },
  };
  kept.set(matrix, stored);
  return matrix;
}

/** The stored values of a {@linkcode storedMatrix}, in its `dtype`; undefined for any other matrix, a changed copy too. */
export function storedValues(matrix: Matrix): Uint8Array | undefined {
  return kept.get(matrix);
}
