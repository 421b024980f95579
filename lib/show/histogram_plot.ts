/**
 * A histogram of weights above the values of each format.
 *
 * @module
 */
import type { Figure, FigureSize, Trace } from "./figure.ts";
import { figure, hover, plotText } from "./make_figure.ts";
import { formatStyle, neutralColor } from "./palette.ts";
import { extent, roundTicks } from "./ticks.ts";
import { decimal } from "../terminal/units.ts";

/** A format's values for these weights, in the weights' own units. */
export interface FormatValues {
  /** The format's name. */
  readonly name: string;
  /** The values, in any order. */
  readonly values: ArrayLike<number>;
}

/** Options of {@linkcode histogramPlot}. */
export interface HistogramOptions extends FigureSize {
  /** Title above the figure. */
  readonly title?: string;
  /** Title of the horizontal axis, with the unit; "weight" when absent. */
  readonly x?: string;
  /** Name of the counted things; "weights" when absent. */
  readonly y?: string;
}

const BARS_HEIGHT_PX = 220;
const ROW_HEIGHT_PX = 24;
const BINS = 40;

/**
 * Draws a histogram of weights or other numbers, and below it the values of each format as strokes.
 *
 * @example
 * ```ts
 * import { histogramPlot } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const figure = histogramPlot([-0.9, -0.2, 0.1, 0.3, 1], [{ name: "int2", values: [-1, -0.5, 0, 0.5] }]);
 * assertEquals(figure.data.map(({ name }) => name), ["weights", "int2"]);
 * ```
 */
export function histogramPlot(
  weights: ArrayLike<number>,
  formats: readonly FormatValues[],
  options: HistogramOptions = {},
): Figure {
  const { title, x = "weight", y = "weights" } = options;
  const [low, high] = extent([weights, ...formats.map(({ values }) => values)]);
  const bin = (high - low) / BINS;
  const counts = new Array<number>(BINS).fill(0);
  for (let i = 0; i < weights.length; i++) {
    if (!Number.isFinite(weights[i])) continue;
    counts[Math.min(Math.floor((weights[i]! - low) / bin), BINS - 1)]!++;
  }
  const bars: Trace = {
    type: "bar",
    name: plotText(y),
    x: counts.map((_, i) => low + (i + 0.5) * bin),
    y: counts,
    width: 0.94 * bin,
    marker: { color: neutralColor },
    hovertext: counts.map((count, i) =>
      hover(`${count} ${y}`, `from ${decimal(low + i * bin, 3)} to ${decimal(low + (i + 1) * bin, 3)}`)
    ),
    hoverinfo: "text",
    showlegend: false,
  };
  // Row 0 is at the bottom, the first format at the top.
  const row = (i: number) => formats.length - 1 - i;
  const strokes = formats.map(({ name, values }, i): Trace => {
    const sorted = Array.from(values).sort((a, b) => a - b);
    const { color } = formatStyle(name);
    return {
      type: "scatter",
      mode: "markers",
      name: plotText(name),
      x: sorted,
      y: sorted.map(() => row(i)),
      yaxis: "y2",
      marker: { symbol: "line-ns-open", size: 13, color, line: { color, width: 2 } },
      hovertext: sorted.map((value, v) =>
        hover(name, `value ${v + 1} of ${sorted.length}: ${decimal(value, 4)}`)
      ),
      hoverinfo: "text",
      showlegend: false,
    };
  });
  const gap = 10;
  const whole = BARS_HEIGHT_PX + gap + ROW_HEIGHT_PX * formats.length;
  const margin = { l: 86, r: 12, t: 10, b: 52 };
  const most = Math.max(...counts);
  const xTicks = roundTicks([low, high], 9);
  const yTicks = roundTicks([0, most], 5);
  return figure([bars, ...strokes], {
    ...(title ? { title: { text: plotText(title) } } : {}),
    height: margin.t + whole + margin.b,
    margin,
    xaxis: {
      title: { text: plotText(x) },
      range: [low - 0.02 * (high - low), high + 0.02 * (high - low)],
      anchor: formats.length > 0 ? "y2" : "y",
      tickvals: xTicks,
      ticktext: xTicks.map(String),
    },
    yaxis: {
      title: { text: plotText(y) },
      range: [0, 1.04 * most],
      domain: [1 - BARS_HEIGHT_PX / whole, 1],
      tickvals: yTicks,
      ticktext: yTicks.map(String),
    },
    yaxis2: {
      range: [-0.5, formats.length - 0.5],
      domain: [0, ROW_HEIGHT_PX * formats.length / whole],
      tickvals: formats.map((_, i) => row(i)),
      ticktext: formats.map(({ name }) => plotText(name)),
    },
  }, options);
}
