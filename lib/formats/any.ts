/**
 * any4, any3, any2: a codebook of 16, 8 or 4 values learned for each row of a matrix (any4, Elhoushi and Johnson, 2025); and
 * any4sym, any3sym, any2sym, the same around 0, with no zeros.
 *
 * @module
 */
import { asymmetric, type Format, symmetric } from "./format.ts";

/** Learned codebooks of 2, 3 or 4 bits over asymmetrically scaled groups. */
export function any(bits: 2 | 3 | 4): Format {
  return {
    name: `any${bits}`,
    bits,
    groupSize: 128,
    summary: `a codebook of ${2 ** bits} values learned for each row`,
    values: null,
    scaling: asymmetric(2 ** bits - 1),
  };
}

/** Learned codebooks over groups that are scaled by their largest magnitude, to 2^(bits−1) − 1. */
export function anySymmetric(bits: 2 | 3 | 4): Format {
  return {
    name: `any${bits}sym`,
    bits,
    groupSize: 128,
    summary: `a codebook of ${2 ** bits} values learned for each row, with a scale a group and no zero`,
    values: null,
    scaling: symmetric(2 ** (bits - 1) - 1),
  };
}
