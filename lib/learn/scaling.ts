/**
 * Group scales and zeros, and the precision in which they are stored.
 *
 * @module
 */
import type { Scaling } from "../formats/format.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { roundToBytes } from "../matrix/byte_scales.ts";
import type { ScaleType } from "../matrix/packed_matrix.ts";

/** The scales and zeros of a matrix, rounded to `type`. */
export interface Scales {
  /** [rows, groups]. */
  readonly scales: Float32Array;
  /** [rows, groups], or null where the format has no zero. */
  readonly zeros: Float32Array | null;
  /** Their stored type. */
  readonly type: ScaleType;
}

/** The smallest scale that a half holds with all its bits. */
const SMALLEST_HALF = 2 ** -14;

/** Whether a scale and a zero can be halves without moving a weight by more than a small part of a step. */
function fitsHalf(scale: number, zero: number): boolean {
  const whole = scale === 0 || (scale >= SMALLEST_HALF && scale <= 65504);
  return whole && Math.abs(zero) <= 65504 && Math.abs(zero) * 2 ** -11 <= scale / 4;
}

/**
 * Scales every group of a matrix (any4, section 3.1).
 *
 * Without `type`, scales are stored as the format says; where halves would lose too much (very small scales, or a
 * zero far larger than the scale) the whole matrix falls back to singles.
 */
export function scaleGroups(
  matrix: Matrix,
  options: { scaling: Scaling; groupSize: number; type?: "f16" | "f32" | "int8" },
): Scales {
  const { rows, cols, data } = matrix;
  const { scaling, groupSize } = options;
  const groups = Math.ceil(cols / groupSize);
  const scales = new Float32Array(rows * groups);
  const zeros = scaling.zero ? new Float32Array(rows * groups) : null;
  let halves = true;
  for (let r = 0, i = 0; r < rows; r++) {
    for (let g = 0; g < groups; g++, i++) {
      let min = Infinity;
      let max = -Infinity;
      const end = r * cols + Math.min((g + 1) * groupSize, cols);
      for (let at = r * cols + g * groupSize; at < end; at++) {
        const value = data[at]!;
        if (value < min) min = value;
        if (value > max) max = value;
      }
      const scale = scaling.scale(min, max);
      const zero = scaling.zero?.(min, max) ?? 0;
      scales[i] = scale;
      if (zeros) zeros[i] = zero;
      halves &&= fitsHalf(scale, zero) || (min === 0 && max === 0);
    }
  }
  const type = scaling.stored === "e8m0" ? "e8m0" : options.type ?? (halves ? "f16" : "f32");
  if (type === "int8") {
    const shape = { rows, groups };
    return {
      scales: roundToBytes(scales, { ...shape, signed: false }),
      zeros: zeros && roundToBytes(zeros, { ...shape, signed: true }),
      type,
    };
  }
  if (type === "f16") {
    for (const numbers of zeros ? [scales, zeros] : [scales]) {
      for (let i = 0; i < numbers.length; i++) numbers[i] = Math.f16round(numbers[i]!);
    }
  }
  return { scales, zeros, type };
}
