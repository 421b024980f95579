/**
 * FP4 as bitsandbytes defines it: a sign, two bits of exponent and one of mantissa, scaled to a largest value of 1.
 *
 * @module
 */
import { type Format, symmetric } from "./format.ts";

/** FP4's values by code: 0, 1/192, 2/3, 1, 1/3, 1/2, 1/6, 1/4 and the same negated. */
export const FP4_VALUES: Float32Array = Float32Array.from(
  [0, 0.0625, 8, 12, 4, 6, 2, 3, -0, -0.0625, -8, -12, -4, -6, -2, -3],
  (value) => value / 12,
);

/** FP4, scaled by the largest magnitude of each group. */
export const fp4: Format = {
  name: "fp4",
  bits: 4,
  groupSize: 128,
  summary: "4-bit floating point (bitsandbytes) with the largest magnitude a group",
  values: () => FP4_VALUES,
  scaling: symmetric(1),
};
