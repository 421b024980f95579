/**
 * What a learned table minimises: how calibration's statistics become weights of the k-means.
 *
 * @module
 */
import { OptionError } from "../errors.ts";

/**
 * The weight of an element in column c of a group with scale s:
 *
 * - "none": 1, errors in steps of the scale count alike;
 * - "mean": |E x| · s, as the any4 reference's code has it;
 * - "mean-abs": E|x| · s;
 * - "mean-square": E[x²] · s², the squared error of the layer's output (any4, eq. 7, with the output's error squared and
 *   columns taken as independent).
 */
export const weightings = ["none", "mean", "mean-abs", "mean-square"] as const;

/** A weighting's name. */
export type Weighting = typeof weightings[number];

/** Column weights and the power of the scale, as `quantize` takes them. */
export function columnWeights(
  weighting: Weighting,
  stats: { mean: Float64Array; meanAbs: Float64Array; meanSquare: Float64Array },
): { columnWeights?: Float64Array; scalePower: number } {
  switch (weighting) {
    case "none":
      return { scalePower: 0 };
    case "mean":
      return { columnWeights: stats.mean.map(Math.abs), scalePower: 1 };
    case "mean-abs":
      return { columnWeights: stats.meanAbs, scalePower: 1 };
    case "mean-square":
      return { columnWeights: stats.meanSquare, scalePower: 2 };
    default:
      throw new OptionError(`Cannot weigh by "${weighting}": expected one of ${weightings.join(", ")}`);
  }
}
