/**
 * Formatting of numbers: percentages, sizes, durations, counts.
 *
 * A no-break space stands between a number and its unit, so that no line ends between them.
 *
 * @module
 */

const SPACE = "\u00a0";
const MINUS = "\u2212";

/** A dash: the value was not measured. */
export const MISSING = "–";

/**
 * Formats a number with significant digits; whole numbers keep all their digits, grouped by thousands.
 *
 * @param value any number; NaN and undefined become a dash.
 * @param digits significant digits.
 *
 * @example
 * ```ts
 * import { decimal } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * assertEquals([decimal(3.14159), decimal(71234.5)], ["3.142", "71,235"]);
 * ```
 */
export function decimal(value: number | undefined, digits = 4): string {
  if (value === undefined || Number.isNaN(value)) return MISSING;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(value);
  if (size >= 1e12 || (size > 0 && size < 1e-4)) return value.toExponential(digits - 1).replace(/^-/, MINUS);
  // The digits behind the point: those that the digits before it leave.
  const rounded = Number(size.toPrecision(digits));
  const before = rounded === 0 ? 1 : Math.floor(Math.log10(rounded)) + 1;
  const places = Math.min(Math.max(digits - before, 0), 20);
  return value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places })
    .replace("-", MINUS);
}

/**
 * Formats a measured number with its standard error, both to the error's second digit; without an error, to three digits.
 *
 * @param error NaN and undefined are not known.
 *
 * @example
 * ```ts
 * import { measured } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * assertEquals([measured(33.083, 3.66), measured(0.10912, 0.00401)], ["33.1\u00a0±\u00a03.7", "0.1091\u00a0±\u00a00.0040"]);
 * assertEquals(measured(0.10912, undefined), "0.109");
 * ```
 */
export function measured(value: number | undefined, error: number | undefined): string {
  if (value === undefined || !Number.isFinite(value) || !error || !Number.isFinite(error)) {
    return decimal(value, 3);
  }
  // 0.0996 is 0.10 to two digits.
  const places = Math.min(Math.max(1 - Math.floor(Math.log10(Number(error.toPrecision(2)))), 0), 9);
  const text = (number: number) =>
    number.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places })
      .replace("-", MINUS);
  return `${text(value)}${SPACE}±${SPACE}${text(error)}`;
}

/**
 * Formats a fraction as a percentage: 0.037 is 3.7 %.
 *
 * @param fraction 1 is 100 %; NaN and undefined become a dash.
 * @param options.sign write + before a positive one.
 * @param options.places digits behind the point; by default as many as the size deserves.
 *
 * @example
 * ```ts
 * import { percent } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * assertEquals([percent(0.037), percent(0.34, { sign: true })], ["3.7\u00a0%", "+34\u00a0%"]);
 * ```
 */
export function percent(
  fraction: number | undefined,
  options: { sign?: boolean; places?: number } = {},
): string {
  if (fraction === undefined || Number.isNaN(fraction)) return MISSING;
  const value = 100 * fraction;
  const size = Math.abs(value);
  const places = options.places ?? (size < 0.0995 ? 2 : size < 9.95 ? 1 : 0);
  const rounded = Number.isFinite(value) ? Number(value.toFixed(places)) : value;
  const sign = rounded < 0 ? MINUS : options.sign && rounded > 0 ? "+" : "";
  const text = Number.isFinite(rounded)
    ? Math.abs(rounded).toLocaleString("en-US", {
      minimumFractionDigits: places,
      maximumFractionDigits: places,
    })
    : "∞";
  return `${sign}${text}${SPACE}%`;
}

/**
 * Formats bytes in decimal units: 1.24 MB is 1 240 000 bytes.
 *
 * @example
 * ```ts
 * import { size } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * assertEquals(size(6_820_352), "6.82\u00a0MB");
 * ```
 */
export function size(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : decimal(value, 3)}${SPACE}${units[unit]}`;
}

/**
 * Formats seconds as 0.4 s, 42 s, 3 min 05 s or 2 h 10 min.
 *
 * @example
 * ```ts
 * import { duration } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * assertEquals(duration(185), "3\u00a0min\u00a005\u00a0s");
 * ```
 */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return MISSING;
  if (seconds < 9.95) return `${seconds.toFixed(1)}${SPACE}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}${SPACE}s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}${SPACE}min${SPACE}${two(whole % 60)}${SPACE}s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)}${SPACE}h${SPACE}${two(minutes % 60)}${SPACE}min`;
}

/**
 * Formats a count, in words from a million on: 260,032, 1.24 billion.
 *
 * @example
 * ```ts
 * import { count } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * assertEquals(count(3_410_176), "3.41\u00a0million");
 * ```
 */
export function count(value: number): string {
  if (value >= 1e9) return `${decimal(value / 1e9, 3)}${SPACE}billion`;
  if (value >= 1e6) return `${decimal(value / 1e6, 3)}${SPACE}million`;
  return Math.round(value).toLocaleString("en-US");
}
