/**
 * Size against quality: which formats are worth their bits.
 *
 * @module
 */
import type { Figure, FigureSize, Trace } from "./figure.ts";
import { figure, hover, plotText, WIDTH_PX } from "./make_figure.ts";
import { increasePlace, increaseText, increaseTicks, increaseTickText } from "./increase_scale.ts";
import { fixedColor, learnedColor, neutralColor } from "./palette.ts";
import { placeLabels } from "./place_labels.ts";
import type { ReportRow } from "./report_data.ts";
import { decimal, percent, size } from "../terminal/units.ts";

/** Options of {@linkcode paretoPlot}. */
export interface ParetoOptions extends FigureSize {
  /** The original's perplexity, drawn as a line. */
  readonly baseline: { readonly perplexity: number };
}

/**
 * Selects the rows that no other row dominates, that is: none is at least as good in both numbers and better in one.
 *
 * @returns these rows by rising bits; of equal rows, the first. Rows with a perplexity that is not finite are left out.
 *
 * @example
 * ```ts
 * import { paretoFront } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const rows = [
 *   { format: "int4", bitsPerWeight: 4.25, perplexity: 3.3 },
 *   { format: "nf4", bitsPerWeight: 4.125, perplexity: 3.2 },
 *   { format: "any4", bitsPerWeight: 4.5, perplexity: 3.1 },
 * ];
 * assertEquals(paretoFront(rows).map(({ format }) => format), ["nf4", "any4"]);
 * ```
 */
export function paretoFront<Row extends { readonly bitsPerWeight: number; readonly perplexity: number }>(
  rows: readonly Row[],
): Row[] {
  let best = Infinity;
  return rows
    .filter((row) => Number.isFinite(row.perplexity))
    .sort((a, b) => a.bitsPerWeight - b.bitsPerWeight || a.perplexity - b.perplexity)
    .filter(({ perplexity }) => perplexity < best && (best = perplexity, true));
}

const HEIGHT_PX = 430;
/** Average width of a label's letter, in pixels. */
const LETTER_PX = 7.4;

/**
 * Draws bits per weight against perplexity, and joins the formats on the Pareto front by a line.
 *
 * @example
 * ```ts
 * import { paretoPlot, type ReportRow } from "any4/show";
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
 * const figure = paretoPlot([row], { baseline: { perplexity: 3 } });
 * assertEquals(figure.data.map(({ name }) => name), ["Pareto front", "learned values"]);
 * ```
 */
export function paretoPlot(rows: readonly ReportRow[], options: ParetoOptions): Figure {
  const { baseline, width = WIDTH_PX } = options;
  const margin = { l: 136, r: 12, t: 10, b: 52 };
  const plot = { width: width - margin.l - margin.r, height: HEIGHT_PX - margin.t - margin.b };
  const points = rows.map((row) => {
    const ratio = row.perplexity / baseline.perplexity;
    // Perplexities beyond the scale are drawn at its end, labelled with their number.
    const label = ratio < 1000 ? row.format : `${row.format} ${increaseText(ratio)} ↑`;
    return { row, ratio, label, x: Math.log10(row.bitsPerWeight), y: increasePlace(ratio) };
  });
  const xRange = padded([Math.log10(2), ...points.map(({ x }) => x)], 0.06);
  const yRange = padded([0, increasePlace(1.02), ...points.map(({ y }) => y)], 0.07);
  const pixel = ({ x, y }: { x: number; y: number }) => ({
    x: (x - xRange[0]) / (xRange[1] - xRange[0]) * plot.width,
    y: (yRange[1] - y) / (yRange[1] - yRange[0]) * plot.height,
  });
  const front = paretoFront(rows).map((row) => points.find((point) => point.row === row)!);
  const offsets = placeLabels(
    points.map((point) => ({ ...pixel(point), width: LETTER_PX * point.label.length })),
    { ...plot, line: front.map(pixel) },
  );

  const marks = (learned: boolean): Trace => {
    const chosen = points.filter(({ row }) => row.learned === learned);
    return {
      type: "scatter",
      mode: "markers",
      name: learned ? "learned values" : "fixed values",
      x: chosen.map(({ row }) => row.bitsPerWeight),
      y: chosen.map(({ y }) => y),
      marker: {
        size: learned ? 12 : 10,
        symbol: learned ? "diamond" : "circle",
        color: learned ? learnedColor : fixedColor,
      },
      hovertext: chosen.map(({ row, ratio }) =>
        hover(
          row.format,
          `perplexity ${decimal(row.perplexity, 5)} (${increaseText(ratio)})`,
          `${row.bitsPerWeight.toFixed(2)} bits per weight, groups of ${row.groupSize}`,
          `model of ${size(row.bytes)}`,
          `KL ${decimal(row.kl, 3)}, same top token ${percent(row.top1)}`,
        )
      ),
      hoverinfo: "text",
    };
  };
  const line: Trace = {
    type: "scatter",
    mode: "lines",
    name: "Pareto front",
    x: front.map(({ row }) => row.bitsPerWeight),
    y: front.map(({ y }) => y),
    line: { color: neutralColor, width: 1.5 },
    hoverinfo: "skip",
  };
  const bits = [2, 3, 4, 5, 6, 8, 16].filter((b) => Math.log10(b) >= xRange[0] && Math.log10(b) <= xRange[1]);
  const ticks = increaseTicks(yRange, 28 / plot.height * (yRange[1] - yRange[0]));
  return figure([line, marks(false), marks(true)].filter(({ x }) => x.length > 0), {
    height: HEIGHT_PX,
    margin,
    xaxis: {
      type: "log",
      title: { text: "bits per weight: codes, scales, zeros and tables" },
      range: xRange,
      tickvals: bits,
      ticktext: bits.map(String),
    },
    yaxis: {
      title: { text: "perplexity" },
      range: yRange,
      tickvals: ticks.map(increasePlace),
      ticktext: ticks.map((ratio) =>
        `${decimal(ratio * baseline.perplexity)} <b>${ratio === 1 ? "orig." : increaseTickText(ratio)}</b>`
      ),
    },
    shapes: [{
      type: "line",
      xref: "paper",
      yref: "y",
      x0: 0,
      x1: 1,
      y0: 0,
      y1: 0,
      layer: "below",
      line: { color: neutralColor, width: 1.5, dash: "dash" },
    }],
    annotations: points.map(({ row, label, x, y }, i) => ({
      text: row.learned ? `<b>${plotText(label)}</b>` : plotText(label),
      x,
      y,
      ax: offsets[i]!.dx,
      ay: offsets[i]!.dy,
    })),
  }, options);
}

/** The range from the smallest to the largest value, extended at both ends by a part of it. */
function padded(values: readonly number[], part: number): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return [low - part * (high - low), high + part * (high - low)];
}
