/**
 * Line charts and scatter plots.
 *
 * @module
 */
import type { Figure, FigureSize, Trace } from "./figure.ts";
import { figure, hover, plotText, WIDTH_PX } from "./make_figure.ts";
import { type Dash, neutralColor, seriesStyle } from "./palette.ts";
import { cellText } from "./table_view.ts";
import { axisFor } from "./ticks.ts";
import { decimal } from "../terminal/units.ts";

/** The points of a line or a scatter plot. */
export interface XySeries {
  /** Its name in the legend; the name of a format gets the format's colour. */
  readonly name: string;
  /** Positions of the points. */
  readonly x: ArrayLike<number>;
  /** Their heights, of equal number; NaN leaves a gap. */
  readonly y: ArrayLike<number>;
  /** The hover text of each point. */
  readonly labels?: readonly string[];
  /** "#rrggbb"; the next of the palette when absent. */
  readonly color?: string;
  /** Its line's dash; its format's when absent. */
  readonly dash?: Dash;
  /** What is drawn of it, where that differs from the plot's other series. */
  readonly mode?: "lines" | "markers" | "lines+markers";
}

/** Titles, number format and height of a plot. */
export interface PlotOptions extends FigureSize {
  /** Title above the figure. */
  readonly title?: string;
  /** Title of the horizontal axis, with the unit. */
  readonly x?: string;
  /** Title of the vertical axis, with the unit. */
  readonly y?: string;
  /** Formats a vertical number, at ticks and in hover texts. */
  readonly format?: (value: number) => string;
  /** Approximate height of the vertical axis, in pixels. */
  readonly height?: number;
}

/** Options of {@linkcode lineChart} and {@linkcode scatterPlot}. */
export interface XyOptions extends PlotOptions {
  /** Logarithmic axes: "x", "y" or "xy". */
  readonly log?: "x" | "y" | "xy";
  /** Ticks of the horizontal axis; round numbers when absent. */
  readonly ticks?: readonly number[];
  /** The first and the last height shown. */
  readonly range?: readonly [number, number];
  /** A dashed horizontal line for comparison, named in the legend, such as the original's perplexity. */
  readonly level?: { readonly y: number; readonly name: string };
}

/**
 * Draws a line for each series.
 *
 * @example
 * ```ts
 * import { show } from "any4";
 * import { lineChart } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const x = [64, 128, 256];
 * const series = [{ name: "any4", x, y: [3.1, 3.12, 3.2] }];
 * const figure = lineChart(series, { x: "group size", y: "perplexity", log: "x" });
 * assertEquals(figure.layout.xaxis.type, "log");
 * await show(figure);
 * ```
 */
export function lineChart(series: readonly XySeries[], options: XyOptions = {}): Figure {
  return xyPlot(series, "lines+markers", options);
}

/**
 * Draws the points of each series in a colour of its own.
 *
 * @example
 * ```ts
 * import { show } from "any4";
 * import { scatterPlot } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const series = [{ name: "rows", x: [1, 2, 3], y: [0.1, 0.4, 0.2] }];
 * const figure = scatterPlot(series, { x: "kurtosis", y: "error" });
 * assertEquals(figure.data[0]!.mode, "markers");
 * await show(figure);
 * ```
 */
export function scatterPlot(series: readonly XySeries[], options: XyOptions = {}): Figure {
  return xyPlot(series, "markers", options);
}

function xyPlot(series: readonly XySeries[], mode: "markers" | "lines+markers", options: XyOptions): Figure {
  const { width = WIDTH_PX, height = 300, title, log = "", level } = options;
  const { format = (value: number) => decimal(value) } = options;
  const points = Math.max(0, ...series.map(({ x }) => x.length));
  const data = series.map(({ name, x, y, labels, color, dash, mode: own }, i): Trace => {
    const style = seriesStyle(name, i);
    const [xs, ys] = [Array.from(x), Array.from(y)];
    const shown = { ...style, color: color ?? style.color, dash: dash ?? style.dash };
    return {
      type: "scatter",
      // Beyond this number, markers would hide their line.
      mode: own ?? (mode !== "markers" && points > 60 ? "lines" : mode),
      name: plotText(name),
      x: xs,
      y: ys.map((value) => Number.isFinite(value) && (!log.includes("y") || value > 0) ? value : null),
      line: { color: shown.color, width: 2, dash: shown.dash },
      marker: { color: shown.color, symbol: shown.symbol, size: points > 200 ? 5 : 8 },
      hovertext: xs.map((value, k) =>
        hover(
          labels?.[k] ?? name,
          `${options.x ?? "x"}: ${cellText(value)}`,
          `${options.y ?? "y"}: ${format(ys[k]!)}`,
        )
      ),
      hoverinfo: "text",
      showlegend: series.length > 1,
    };
  });
  const xaxis = axisFor(series.map(({ x }) => x), {
    title: options.x,
    log: log.includes("x"),
    ticks: options.ticks,
    most: Math.floor(width / 130),
  });
  const yaxis = axisFor([...data.map(({ y }) => y), level ? [level.y] : []], {
    title: options.y,
    log: log.includes("y"),
    range: options.range,
    format: options.format,
    most: 7,
  });
  const line = { color: neutralColor, width: 1.5, dash: "dash" } as const;
  const ends = xaxis.range.map((end) => xaxis.type === "log" ? 10 ** end : end);
  const compared = (level ? [level] : []).map(({ name, y }): Trace => (
    { type: "scatter", mode: "lines", name: plotText(name), x: ends, y: [y, y], line, hoverinfo: "skip" }
  ));
  const margin = { l: 86, r: 16, t: 10, b: options.x ? 52 : 30 };
  return figure([...data, ...compared], {
    ...(title ? { title: { text: plotText(title) } } : {}),
    height: height + margin.t + margin.b,
    margin,
    xaxis,
    yaxis,
  }, options);
}
