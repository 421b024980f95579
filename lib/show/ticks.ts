/**
 * Round numbers for axes.
 *
 * @module
 */
import type { Axis } from "./figure.ts";

/** The smallest and the largest finite number, moved apart if they are equal. */
export function extent(lists: readonly ArrayLike<number | null>[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      const value = list[i];
      if (value === null || !Number.isFinite(value)) continue;
      low = Math.min(low, value!);
      high = Math.max(high, value!);
    }
  }
  if (low > high) return [-1, 1];
  return low === high ? [low - 1, high + 1] : [low, high];
}

/** Multiples of 1, 2 or 5 times a power of ten within a range, at most `most`. */
export function roundTicks([low, high]: readonly [number, number], most: number): number[] {
  const power = 10 ** Math.floor(Math.log10((high - low) / most));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((step) => (high - low) / step <= most)!;
  const [first, last] = [Math.ceil(low / step), Math.floor(high / step)];
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

/** Powers of ten within a range of positive numbers, and their multiples by 2 and 5 if there are few. */
export function logTicks([low, high]: readonly [number, number], most: number): number[] {
  const powers = Array.from({ length: 40 }, (_, i) => i - 20);
  for (const digits of [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3], [1]]) {
    const ticks = powers.flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`)))
      .filter((tick) => tick >= low && tick <= high);
    if (ticks.length <= most) return ticks;
  }
  const all = powers.map((power) => 10 ** power).filter((tick) => tick >= low && tick <= high);
  return all.filter((_, i) => i % Math.ceil(all.length / most) === 0);
}

/** Options of {@linkcode axisFor}. */
export interface AxisOptions {
  /** Title of the axis. */
  readonly title?: string;
  /** Whether the axis is logarithmic; numbers without a logarithm are ignored. */
  readonly log?: boolean;
  /** Whether it includes 0. */
  readonly zero?: boolean;
  /** The first and the last number shown; by default, the range of the values. */
  readonly range?: readonly [number, number];
  /** Positions of the ticks; round numbers when absent. */
  readonly ticks?: readonly number[];
  /** Formats a number beside a tick. */
  readonly format?: (value: number) => string;
  /** The largest number of ticks. */
  readonly most: number;
}

/** Makes an axis that covers all values of some lists, with a margin at both ends. */
export function axisFor(lists: readonly ArrayLike<number | null>[], options: AxisOptions): Axis {
  const { title, log = false, zero = false, format = plain, most } = options;
  const positive = log ? lists.map((list) => Array.from(list).filter((value) => value! > 0)) : lists;
  const [low, high] = options.range ?? extent([...positive, ...(zero && !log ? [[0]] : [])]);
  const [from, to] = log
    ? [Math.log10(Math.max(low, 1e-30)), Math.log10(Math.max(high, 1e-30))]
    : [low, high];
  const room = options.range ? 0 : 0.04 * (to - from);
  // Bars that start at zero need no margin below.
  const range = [
    zero && !log && low === 0 ? 0 : from - room,
    zero && !log && high === 0 ? 0 : to + room,
  ] as const;
  const ticks = options.ticks ??
    (log ? logTicks([10 ** range[0], 10 ** range[1]], most) : roundTicks(range, most));
  return {
    ...(title ? { title: { text: title } } : {}),
    ...(log ? { type: "log" as const } : {}),
    range,
    tickvals: ticks,
    ticktext: ticks.map(format),
  };
}

/** A tick's number without trailing zeros. */
function plain(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(0).replace("e+", "e");
  return Number(value.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 6 })
    .replace("-", "\u2212");
}
