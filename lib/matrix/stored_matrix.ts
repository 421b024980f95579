/**
 * Dense matrices that keep their checkpoint's bytes.
 *
 * @module
 */
import { toFloat32 } from "./dtype.ts";
import type { Matrix } from "./matrix.ts";

/** The types whose bytes a matrix keeps: those that backends compute with. */
export type StoredType = "F16" | "BF16";

/** Whether a matrix keeps the bytes of a type. */
export function isStoredType(dtype: string): dtype is StoredType {
  return dtype === "F16" || dtype === "BF16";
}

/** Not a property of matrices, because copies with other data would inherit it. */
const kept = new WeakMap<Matrix, Uint8Array>();

/**
 * Makes a matrix of stored values. Each read of its `data` converts them to a new array.
 *
 * @param stored rows · cols values, row-major, little-endian. They are not copied; do not change them afterwards.
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
