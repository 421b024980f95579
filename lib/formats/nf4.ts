/**
 * NF4, NormalFloat: quantiles of the normal distribution (QLoRA, Dettmers et al. 2023, appendix E).
 *
 * @module
 */
import { type Format, symmetric } from "./format.ts";

/** NF4's values by code, ascending from −1 to 1, with an exact 0. */
export const NF4_VALUES: Float32Array = Float32Array.of(
  -1,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1,
);

/** NF4, scaled by the largest magnitude of each group. */
export const nf4: Format = {
  name: "nf4",
  bits: 4,
  groupSize: 128,
  summary: "4-bit NormalFloat (QLoRA) with the largest magnitude a group",
  values: () => NF4_VALUES,
  scaling: symmetric(1),
};
