import { assertEquals } from "@std/assert";
import { count, decimal, duration, measured, percent, size } from "../../lib/terminal/units.ts";

/** No-break spaces as spaces. */
const plain = (text: string) => text.replaceAll("\u00a0", " ");

Deno.test("decimal() keeps significant digits and groups thousands", () => {
  const cases: [number, string][] = [
    [1.51521, "1.515"],
    [12.3456, "12.35"],
    [71234.5, "71,235"],
    [0.0018372, "0.001837"],
    [-0.5, "−0.5000"],
    [1.5e-7, "1.500e-7"],
    [-1.5e-7, "−1.500e-7"],
    [Infinity, "∞"],
    [NaN, "–"],
  ];
  for (const [value, text] of cases) assertEquals(decimal(value), text);
  assertEquals(decimal(undefined), "–");
});

Deno.test("percent() shows small fractions with more digits and signs when asked", () => {
  assertEquals(plain(percent(0.0004)), "0.04 %");
  assertEquals(plain(percent(0.037)), "3.7 %");
  assertEquals(plain(percent(0.342, { sign: true })), "+34 %");
  assertEquals(plain(percent(-0.0016, { sign: true })), "−0.2 %");
  assertEquals(plain(percent(0, { sign: true })), "0.00 %");
  assertEquals(plain(percent(0.9755, { places: 1 })), "97.5 %");
  assertEquals(percent(NaN), "–");
});

Deno.test("size() counts in decimal units and never writes 1000 of one", () => {
  const cases: [number, string][] = [
    [0, "0 bytes"],
    [999, "999 bytes"],
    [999_499, "999 kB"],
    [999_950, "1.00 MB"],
    [6_820_352, "6.82 MB"],
    [2.5e9, "2.50 GB"],
  ];
  for (const [bytes, text] of cases) assertEquals(plain(size(bytes)), text);
});

Deno.test("duration() and count() read well at every size", () => {
  assertEquals(plain(duration(0.44)), "0.4 s");
  assertEquals([plain(duration(9.94)), plain(duration(9.96))], ["9.9 s", "10 s"]);
  assertEquals(plain(duration(59.6)), "1 min 00 s");
  assertEquals(plain(duration(185)), "3 min 05 s");
  assertEquals(plain(duration(7800)), "2 h 10 min");
  assertEquals(duration(NaN), "–");
  assertEquals(plain(count(260_032)), "260,032");
  assertEquals(plain(count(1.236e9)), "1.24 billion");
});

Deno.test("measured() writes number and error to the error's second digit, and a number without error to three", () => {
  const cases: [number, number | undefined, string][] = [
    [33.083, 3.66, "33.1 ± 3.7"],
    [0.109123, 0.00401, "0.1091 ± 0.0040"],
    [2729.48, 488.67, "2,729 ± 489"],
    [1.86, 0.0996, "1.86 ± 0.10"],
    [0.0052, 3.4e-7, "0.00520000 ± 0.00000034"],
    [3.14159, NaN, "3.14"],
    [3.14159, undefined, "3.14"],
    [3.14159, 0, "3.14"],
    [NaN, 1, "–"],
  ];
  for (const [value, error, text] of cases) assertEquals(plain(measured(value, error)), text);
});
