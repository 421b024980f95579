/**
 * Uniform integers of 2, 3, 4 and 8 bits: asymmetric ("int4", with a zero for each group) and symmetric ("int4sym").
 *
 * @module
 */
import { asymmetric, type Format, symmetric } from "./format.ts";

function range(from: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => from + i);
}

/** Asymmetric integers: codes 0 … 2^bits − 1 between a group's least and largest weight. */
export function int(bits: 2 | 3 | 4 | 8): Format {
  return {
    name: `int${bits}`,
    bits,
    groupSize: 128,
    summary: `uniform ${bits}-bit integers with a scale and a zero a group`,
    values: () => range(0, 2 ** bits),
    scaling: asymmetric(2 ** bits - 1),
  };
}

/** Symmetric integers: −2^(bits−1) … 2^(bits−1) − 1, the largest magnitude at 2^(bits−1) − 1, no zero. */
export function intSymmetric(bits: 2 | 3 | 4 | 8): Format {
  return {
    name: `int${bits}sym`,
    bits,
    groupSize: 128,
    summary: `uniform ${bits}-bit integers around 0 with a scale a group`,
    values: () => range(-(2 ** (bits - 1)), 2 ** bits),
    scaling: symmetric(2 ** (bits - 1) - 1),
  };
}
