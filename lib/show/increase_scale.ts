/**
 * The scale for plots of perplexity: the increase over the original's.
 *
 * On a linear or logarithmic scale, one failing 2-bit format squeezes all others into a line. This scale is
 * asinh(increase / 0.1 %): logarithmic for large increases, linear within a tenth of a per cent, where differences
 * are noise, and defined for formats that measure better than the original.
 *
 * @module
 */
import { decimal, percent } from "../terminal/units.ts";

const LINEAR = 0.001;
/** The end of the scale: the position of all larger ratios and of NaN. */
const MOST = 1000;
const RATIOS = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 1, 1.002, 1.005, 1.01, 1.02, 1.05, 1.1, 1.2]
  .concat(1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, MOST);

/** The position of a ratio of perplexities; the ratio 1, the original, is at 0. */
export function increasePlace(ratio: number): number {
  return Math.asinh(((ratio < MOST ? ratio : MOST) - 1) / LINEAR);
}

/** A ratio as text: "+5.0 %" up to twice the perplexity, "×3.12" above, "×∞" for NaN. */
export function increaseText(ratio: number): string {
  if (ratio < 2) return percent(ratio - 1, { sign: true });
  return Number.isFinite(ratio) ? `×${decimal(ratio, 3)}` : "×∞";
}

/**
 * Picks round increases as ticks of an axis.
 *
 * @param range the positions of the axis's ends.
 * @param gap the least distance between ticks, in the same units.
 * @returns ratios; 1 is among them.
 */
export function increaseTicks(range: readonly [number, number], gap: number): number[] {
  const fits = RATIOS.filter((ratio) => increasePlace(ratio) >= range[0] && increasePlace(ratio) <= range[1]);
  const ticks = [1];
  // Starts at the original and proceeds in both directions.
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

/** A round increase without trailing zeros: "+5 %", "×20". */
export function increaseTickText(ratio: number): string {
  return increaseText(ratio).replace(/\.0+(?=\D|$)/, "");
}
