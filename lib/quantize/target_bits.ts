/**
 * Formats chosen so that a model has so many bits per weight and as little error as that allows.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { type FormatChoice, parseChoice, type Planned } from "./plan.ts";

/** Options of choosing formats by their costs. */
export interface TargetOptions {
  /**
   * Bits per weight that the model is to have: each Linear gets the format of `candidates` that buys most, by the KL divergence
   * that it was measured to cost on a part of the calibration sample. At most so many, and less than 1 % fewer unless single
   * Linears are a large part of the model.
   */
  targetBits?: number;
  /**
   * Formats to choose from, as in `override`. When absent any2sym, any3sym and any4sym with tables and scales in bytes, a table
   * for each row or, as narrow rows ask for, one for the matrix, then also in groups of 32; and int8.
   */
  candidates?: readonly string[];
}

/** The default candidates. */
const CANDIDATES = [
  ...[2, 3, 4].flatMap((bits) =>
    ["", "/matrix", ":32/matrix"].map((shared) => `any${bits}sym${shared}/int8`)
  ),
  "int8",
];

/** The costs of a format for a Linear. */
export interface Cost {
  /** Its place among the Linear's choices. */
  readonly choice: number;
  /** Bits in all. */
  readonly bits: number;
  /** The part of the Linear's output that becomes noise, or what that costs. */
  readonly error: number;
}

/** The formats that a Linear may get: the one that a pattern gives it, else all candidates. */
export function choicesOf(
  planned: Planned,
  options: TargetOptions & { groupSize?: number | "row" },
): FormatChoice[] {
  if (planned.overridden) return [planned];
  return (options.candidates ?? CANDIDATES).map((text) => parseChoice(text, options.groupSize));
}

/**
 * The costs that are on the lower convex hull, ascending in bits: each buys less for its bits than the one before.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const costs = [[8, 0.0], [2, 0.9], [3, 0.8], [4, 0.1]].map(([bits, error], choice) => ({ choice, bits, error }));
 * assertEquals(lowerHull(costs as never).map(({ bits }) => bits), [2, 4, 8]);
 * ```
 */
export function lowerHull(costs: readonly Cost[]): Cost[] {
  const hull: Cost[] = [];
  const gain = (a: Cost, b: Cost) => (a.error - b.error) / (b.bits - a.bits);
  for (const cost of [...costs].sort((a, b) => a.bits - b.bits || a.error - b.error)) {
    const last = hull.at(-1);
    if (last && (cost.bits === last.bits || cost.error >= last.error)) continue;
    while (hull.length > 1 && gain(hull.at(-1)!, cost) >= gain(hull.at(-2)!, hull.at(-1)!)) hull.pop();
    hull.push(cost);
  }
  return hull;
}

/** Checks a target in bits per weight. @throws {OptionError} when it is out of reach. */
export function inReach(targetBits: number, { least, most }: { least: number; most: number }): void {
  if (targetBits >= least && targetBits <= most * 1.01) return;
  throw new OptionError(
    `Cannot reach ${targetBits} bits per weight: with these formats it is ${least.toFixed(3)} to ${
      most.toFixed(3)
    }`,
  );
}

/**
 * Chooses one cost for each Linear so that the sum of errors is small and the sum of bits within the budget: from the
 * cheapest on, always the step along a hull that takes away most error for its bits and still fits. But for the last steps
 * this is the optimum (Lagrange: every Linear pays the same price for a bit).
 *
 * @param costs of each Linear.
 * @param budget.weights weights of the model's Linears, all of them.
 * @param budget.fixedBits bits of those that nothing is chosen for.
 * @returns the choice of each Linear.
 * @throws {OptionError} when the target is out of reach.
 */
export function chooseByCost(
  costs: ReadonlyMap<string, readonly Cost[]>,
  budget: { targetBits: number; weights: number; fixedBits: number },
): Map<string, number> {
  const { targetBits, weights, fixedBits } = budget;
  const hulls = [...costs].map(([linear, all]) => ({ linear, hull: lowerHull(all), at: 0, stuck: false }));
  const bitsAt = (at: 0 | -1) => fixedBits + hulls.reduce((sum, { hull }) => sum + hull.at(at)!.bits, 0);
  let bits = bitsAt(0);
  inReach(targetBits, { least: bits / weights, most: bitsAt(-1) / weights });
  for (;;) {
    let best: { of: typeof hulls[number]; gain: number; bits: number } | undefined;
    for (const of of hulls) {
      const [now, next] = [of.hull[of.at]!, of.hull[of.at + 1]];
      if (of.stuck || !next) continue;
      const more = next.bits - now.bits;
      const gain = (now.error - next.error) / more;
      if (!best || gain > best.gain) best = { of, gain, bits: more };
    }
    if (!best) break;
    if (bits + best.bits > targetBits * weights) best.of.stuck = true;
    else {
      best.of.at++;
      bits += best.bits;
    }
  }
  return new Map(hulls.map(({ linear, hull, at }) => [linear, hull[at]!.choice]));
}
