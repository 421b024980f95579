/**
 * MXFP4 (OCP Microscaling Formats v1.0): E2M1 elements, and a power-of-two E8M0 scale for every 32 of them.
 *
 * @module
 */
import { absmax, type Format } from "./format.ts";

/** E2M1's values by code: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and the same negated. */
const E2M1_VALUES: Float32Array = Float32Array.of(
  0,
  0.5,
  1,
  1.5,
  2,
  3,
  4,
  6,
  -0,
  -0.5,
  -1,
  -1.5,
  -2,
  -3,
  -4,
  -6,
);

/** The exponent of E2M1's largest value, 6 = 1.5 · 2^2. */
const LARGEST_EXPONENT = 2;

/** ⌊log2 x⌋, exact for every positive double that is not subnormal. */
function floorLog2(x: number): number {
  const guess = Math.floor(Math.log2(x));
  // log2 rounds: just below a power of two it may give the whole number above.
  return 2 ** guess > x ? guess - 1 : guess;
}

/**
 * MXFP4: the scale is 2^(⌊log2 of the largest magnitude⌋ − 2), clamped to E8M0's 2^−127 … 2^127 (section 6.3);
 * what then lies beyond ±6 saturates, and ties go to the even mantissa.
 */
export const mx4: Format = {
  name: "mx4",
  bits: 4,
  groupSize: 32,
  summary: "4-bit microscaling floats (OCP MXFP4): E2M1 with a power-of-two scale for every 32",
  values: () => E2M1_VALUES,
  scaling: {
    scale(min, max) {
      const largest = absmax(min, max);
      const exponent = largest === 0 ? -127 : floorLog2(largest) - LARGEST_EXPONENT;
      return 2 ** Math.min(Math.max(exponent, -127), 127);
    },
    stored: "e8m0",
    fixedGroupSize: 32,
  },
};
