/**
 * Scales and zeros in bytes: whole numbers times a power of two that 8 groups of a row share.
 *
 * Others' two levels (QLoRA, K-quants) have a float where this has a power of two. That takes half of the bits, and makes
 * every value a half, so that kernels read what they always read.
 *
 * @module
 */

/** Groups of a row that share a power of two. */
export const SHARED_GROUPS = 8;

/** The bytes of a row's powers of two. */
export function exponentsPerRow(groups: number): number {
  return Math.ceil(groups / SHARED_GROUPS);
}

/** [rows, groups] numbers, of either sign or of none. */
interface Shape {
  readonly rows: number;
  readonly groups: number;
  /** −127 … 127 times a power of two, or 0 … 255 times one. */
  readonly signed: boolean;
}

/** Numbers in bytes. */
export interface ByteScales {
  /** [rows, groups], those of signed numbers in two's complement. */
  readonly bytes: Uint8Array;
  /** [rows, ⌈groups / 8⌉] the powers of two, plus 127. */
  readonly exponents: Uint8Array;
}

/**
 * The bytes nearest to numbers. Each power of two is the least with which the largest of its numbers fits, so that rounded
 * numbers have the bytes that they were rounded to. What is not 0 stays so where there is no sign: a scale of 0 would make
 * a group constant.
 */
export function toBytes(numbers: Float32Array, { rows, groups, signed }: Shape): ByteScales {
  const perRow = exponentsPerRow(groups);
  const bytes = new Uint8Array(numbers.length);
  const exponents = new Uint8Array(rows * perRow);
  const most = signed ? 127 : 255;
  for (let i = 0; i < exponents.length; i++) {
    const row = Math.floor(i / perRow);
    const from = row * groups + i % perRow * SHARED_GROUPS;
    const to = Math.min(from + SHARED_GROUPS, (row + 1) * groups);
    let largest = 0;
    for (let at = from; at < to; at++) largest = Math.max(largest, Math.abs(numbers[at]!));
    let exponent = largest === 0 ? -127 : Math.max(-127, Math.floor(Math.log2(largest / most)));
    while (largest > most * 2 ** exponent) exponent++;
    const step = 2 ** exponent;
    exponents[i] = exponent + 127;
    for (let at = from; at < to; at++) {
      const number = numbers[at]!;
      bytes[at] = Math.max(Math.round(number / step), !signed && number > 0 ? 1 : -most);
    }
  }
  return { bytes, exponents };
}

/** The numbers of bytes. */
export function fromBytes({ bytes, exponents }: ByteScales, { rows, groups, signed }: Shape): Float32Array {
  const values = signed ? new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes;
  return Float32Array.from(stepsOf(exponents, { rows, groups }), (step, i) => values[i]! * step);
}

/** The numbers nearest to others that bytes hold: see {@linkcode toBytes}. */
export function roundToBytes(numbers: Float32Array, shape: Shape): Float32Array {
  return fromBytes(toBytes(numbers, shape), shape);
}

/** What each number is a multiple of when it is rounded to bytes, [rows, groups]. */
export function byteSteps(numbers: Float32Array, shape: Shape): Float64Array {
  return stepsOf(toBytes(numbers, shape).exponents, shape);
}

/** Powers of two by group. */
function stepsOf(exponents: Uint8Array, { rows, groups }: Pick<Shape, "rows" | "groups">): Float64Array {
  const perRow = exponentsPerRow(groups);
  return Float64Array.from({ length: rows * groups }, (_, i) => {
    const [row, group] = [Math.floor(i / groups), i % groups];
    return 2 ** (exponents[row * perRow + Math.floor(group / SHARED_GROUPS)]! - 127);
  });
}
