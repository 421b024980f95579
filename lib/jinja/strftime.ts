/**
 * Dates as C's strftime writes them, in English.
 *
 * @module
 */
import { fail } from "./errors.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
];

const two = (value: number) => String(value).padStart(2, "0");

/** The day of the year, from 1. */
function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return 1 + (day - Date.UTC(date.getFullYear(), 0, 1)) / 86_400_000;
}

const FIELDS: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getFullYear()),
  y: (date) => two(date.getFullYear() % 100),
  m: (date) => two(date.getMonth() + 1),
  d: (date) => two(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2),
  b: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  h: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  B: (date) => MONTHS[date.getMonth()]!,
  a: (date) => DAYS[date.getDay()]!.slice(0, 3),
  A: (date) => DAYS[date.getDay()]!,
  w: (date) => String(date.getDay()),
  u: (date) => String(date.getDay() || 7),
  j: (date) => String(dayOfYear(date)).padStart(3, "0"),
  H: (date) => two(date.getHours()),
  I: (date) => two(date.getHours() % 12 || 12),
  p: (date) => date.getHours() < 12 ? "AM" : "PM",
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
  f: (date) => String(date.getMilliseconds() * 1000).padStart(6, "0"),
  F: (date) => strftime(date, "%Y-%m-%d"),
  T: (date) => strftime(date, "%H:%M:%S"),
  R: (date) => strftime(date, "%H:%M"),
  D: (date) => strftime(date, "%m/%d/%y"),
  x: (date) => strftime(date, "%m/%d/%y"),
  X: (date) => strftime(date, "%H:%M:%S"),
  c: (date) => strftime(date, "%a %b %e %H:%M:%S %Y"),
  z: () => "",
  Z: () => "",
  n: () => "\n",
  t: () => "\t",
  "%": () => "%",
};

/** A date in a format; "%-d" leaves out the zero in front. */
export function strftime(date: Date, format: string): string {
  return format.replaceAll(/%(-?)([^]?)/g, (whole, bare: string, field: string) => {
    if (!Object.hasOwn(FIELDS, field)) {
      return fail(`the format ${JSON.stringify(whole)} of a date is not supported`);
    }
    const value = FIELDS[field]!(date);
    return bare === "" ? value : value.replace(/^[0 ]+(?=.)/, "");
  });
}
