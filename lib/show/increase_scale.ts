/**
 * The scale on which perplexities are drawn: their increase over the original's.
 *
 * On perplexity's own scale, or its logarithm, one 2-bit format that fails presses all others into a line. This
 * one is asinh(increase / 0.1 %): logarithmic for what matters, linear within a tenth of a per cent, where
 * differences are noise, and it has a place for formats that come out better than the original.
 *
 * @module
 */
import { decimal, percent } from "../terminal/units.ts";

const LINEAR = 0.001;
/** Where all that is worse still, and NaN, is drawn. */
const MOST = 1000;
const RATIOS = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 1, 1.002, 1.005, 1.01, 1.02, 1.05, 1.1, 1.2]
  .concat(1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, MOST);

/** Where a ratio of perplexities is drawn; 1 is the original's and lies at 0. */
export function increasePlace(ratio: number): number {
  return Math.asinh(((ratio < MOST ? ratio : MOST) - 1) / LINEAR);
}

/** The increase that a ratio means: "+5.0 %" up to twice the perplexity, "×3.12" from there, "×∞" for NaN. */
export function increaseText(ratio: number): string {
  if (ratio < 2) return percent(ratio - 1, { sign: true });
  return Number.isFinite(ratio) ? `×${decimal(ratio, 3)}` : "×∞";
}

/**
 * Round increases for an axis.
 *
 * @param range the places where the axis begins and ends.
 * @param gap how far apart ticks must be, in the same units.
 * @returns ratios; 1 is among them.
 */
export function increaseTicks(range: readonly [number, number], gap: number): number[] {
  const fits = RATIOS.filter((ratio) => increasePlace(ratio) >= range[0] && increasePlace(ratio) <= range[1]);
  const ticks = [1];
  // From the original outwards, both ways.
  for (const side of [fits.filter((ratio) => ratio > 1), fits.filter((ratio) => ratio < 1).reverse()]) {
    let last = 0;
    for (const ratio of side) {
      if (Math.abs(increasePlace(ratio) - last) < gap) continue;
      ticks.push(ratio);
      last = increasePlace(ratio);
    }
  }
  return ticks.sort((a, b) => a - b);
}

/** A round increase without digits that say nothing: "+5 %", "×20". */
export function increaseTickText(ratio: number): string {
  return increaseText(ratio).replace(/\.0+(?=\D|$)/, "");
}
