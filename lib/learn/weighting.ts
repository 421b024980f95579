/**
 * Weightings: rules that turn statistics of the input into weights of the k-means.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { InputStats } from "./input_stats.ts";

/** A rule that weighs the error of an element: that of its column times a power of its group's scale s. */
export interface Weighting {
  /** Its name. */
  readonly name: string;
  /** [cols] weights of the columns, finite and not negative; null where all count alike, which takes no statistics. */
  readonly columns: ((stats: InputStats) => ArrayLike<number>) | null;
  /** 2 measures errors in the weights' own units, 0 in steps of the scale. */
  readonly scalePower: number;
}

/**
 * Every weighting by its name:
 *
 * - "none": 1, errors in steps of the scale count alike;
 * - "mean": |E x| · s, as the any4 reference's code has it;
 * - "mean-abs": E|x| · s;
 * - "mean-square": E[x²] · s², the squared error of the layer's output (any4, eq. 7, with the output's error squared and
 *   columns taken as independent).
 */
export const weightings: ReadonlyMap<string, Weighting> = new Map(
  ([
    { name: "none", columns: null, scalePower: 0 },
    { name: "mean", columns: ({ mean }) => mean.map(Math.abs), scalePower: 1 },
    { name: "mean-abs", columns: ({ meanAbs }) => meanAbs, scalePower: 1 },
    { name: "mean-square", columns: ({ meanSquare }) => meanSquare, scalePower: 2 },
  ] satisfies Weighting[]).map((weighting) => [weighting.name, weighting]),
);

/**
 * Returns the weighting of a name; a weighting is returned as it is.
 *
 * @throws {OptionError} when there is none; the message lists all names.
 */
export function weightingOf(weighting: string | Weighting = "mean-square"): Weighting {
  if (typeof weighting !== "string") return weighting;
  const found = weightings.get(weighting);
  if (!found) {
    throw new OptionError(
      `Cannot weigh by "${weighting}": expected one of ${[...weightings.keys()].join(", ")}`,
    );
  }
  return found;
}
