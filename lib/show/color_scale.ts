/**
 * Colours for numbers.
 *
 * @module
 */

/** Places from 0 to 1, rising, and their colours as "#rrggbb". */
export type ColorScale = readonly (readonly [number, string])[];

/** For values from 0 upwards: darker means more, also without colour. */
export const SEQUENTIAL: ColorScale = [
  [0, "#f4f7fb"],
  [0.25, "#b8d4f0"],
  [0.5, "#6ba6de"],
  [0.75, "#2b73c2"],
  [1, "#0c3168"],
];

/** For values around zero: warm below, pale at zero, cool above. */
export const DIVERGING: ColorScale = [
  [0, "#8c3407"],
  [0.25, "#e58a4c"],
  [0.5, "#f6f5f2"],
  [0.75, "#5a9bdd"],
  [1, "#103f80"],
];

/** Red, green and blue, 0 to 255, at a place from 0 to 1. */
export function colorAt(scale: ColorScale, place: number): [number, number, number] {
  const next = Math.max(scale.findIndex(([at]) => at >= place), 1);
  const [[low, from], [high, to]] = [scale[next - 1]!, scale[next]!];
  const part = (place - low) / (high - low);
  const channel = (color: string, i: number) => parseInt(color.slice(2 * i + 1, 2 * i + 3), 16);
  const mixed = (i: number) => Math.round(channel(from, i) * (1 - part) + channel(to, i) * part);
  return [mixed(0), mixed(1), mixed(2)];
}
