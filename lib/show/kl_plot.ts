/**
 * Bits against divergence: a line for each format, over its group sizes.
 *
 * @module
 */
import type { Figure, FigureSize } from "./figure.ts";
import type { ReportRow } from "./report_data.ts";
import { lineChart } from "./xy_plot.ts";
import { measured } from "../terminal/units.ts";

/**
 * Draws bits per weight against the KL divergence from the original, both axes logarithmic, and joins the group sizes of each format
 * by a line.
 *
 * @example
 * ```ts
 * import { klPlot, type ReportRow } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const row: ReportRow = {
 *   format: "any4",
 *   bits: 4,
 *   groupSize: 128,
 *   bitsPerWeight: 4.51,
 *   bytes: 2_100_000,
 *   perplexity: 3.05,
 *   kinds: {},
 *   kl: 0.02,
 *   top1: 0.94,
 *   layerError: 0.08,
 *   seconds: 1.5,
 *   learned: true,
 * };
 * const figure = klPlot([row, { ...row, groupSize: 64, bitsPerWeight: 4.76, kl: 0.015 }]);
 * assertEquals(figure.data.map(({ name, x }) => [name, x]), [["any4", [4.51, 4.76]]]);
 * ```
 */
export function klPlot(
  rows: readonly Pick<ReportRow, "name" | "format" | "bitsPerWeight" | "kl" | "klStderr">[],
  size: FigureSize = {},
): Figure {
  const series = [...Map.groupBy(rows, ({ format }) => format)].map(([name, members]) => {
    const sorted = members.toSorted((a, b) => a.bitsPerWeight - b.bitsPerWeight);
    return {
      name,
      x: sorted.map(({ bitsPerWeight }) => bitsPerWeight),
      y: sorted.map(({ kl }) => kl),
      labels: sorted.map((row) => `${row.name ?? row.format}: KL ${measured(row.kl, row.klStderr)}`),
    };
  });
  return lineChart(series, {
    ...size,
    x: "bits per weight: codes, scales, zeros and tables",
    y: "KL to the original, nats a token",
    log: "y",
    ticks: bitsTicks(rows.map(({ bitsPerWeight }) => bitsPerWeight)),
    height: 380,
    format: (value) => String(Number(value.toPrecision(3))),
  });
}

/** Each half between the least and the most bits; undefined, for the chart to choose, where these are near one another. */
function bitsTicks(bits: readonly number[]): number[] | undefined {
  const [from, to] = [Math.ceil(2 * Math.min(...bits)), Math.floor(2 * Math.max(...bits))];
  return to <= from ? undefined : Array.from({ length: to - from + 1 }, (_, i) => (from + i) / 2);
}
