/**
 * Lines and points: one number against another.
 *
 * @module
 */
import type { Figure, FigureSize, Line, Trace } from "./figure.ts";
import { figure, hover, plotText } from "./make_figure.ts";
import { neutralColor, seriesStyle } from "./palette.ts";
import { cellText } from "./table_view.ts";
import { axisFor } from "./ticks.ts";
import { decimal } from "../terminal/units.ts";

/** A line, or a set of points. */
export interface XySeries {
  /** What the legend calls it; a format's name gets the format's colour. */
  readonly name: string;
  /** Where its points are. */
  readonly x: ArrayLike<number>;
  /** Their heights, as many; NaN leaves a gap. */
  readonly y: ArrayLike<number>;
  /** A text for each point, shown under the pointer. */
  readonly labels?: readonly string[];
  /** "#rrggbb"; the palette's next when absent. */
  readonly color?: string;
}

/** What axes are called, and which of them are logarithmic. */
export interface PlotOptions extends FigureSize {
  /** What the figure shows, above it. */
  readonly title?: string;
  /** What the horizontal numbers are, with their unit. */
  readonly x?: string;
  /** What the vertical numbers are, with their unit. */
  readonly y?: string;
  /** How a vertical number is written, at ticks and under the pointer. */
  readonly format?: (value: number) => string;
  /** Pixels from the top axis end to the bottom, about. */
  readonly height?: number;
}

/** How lines and points are drawn. */
export interface XyOptions extends PlotOptions {
  /** Logarithmic axes: "x", "y" or "xy". */
  readonly log?: "x" | "y" | "xy";
  /** The horizontal axis's ticks, where they are to be these. */
  readonly ticks?: readonly number[];
  /** The first and the last height shown. */
  readonly range?: readonly [number, number];
  /** A dashed level to compare with: the original's perplexity. */
  readonly level?: { readonly y: number; readonly name: string };
}

/**
 * A line for each series.
 *
 * @example
 * ```ts
 * import { lineChart, show } from "any4";
 * const x = [64, 128, 256];
 * await show(lineChart([{ name: "any4", x, y: [3.1, 3.12, 3.2] }], { x: "group size", y: "perplexity", log: "x" }));
 * ```
 */
export function lineChart(series: readonly XySeries[], options: XyOptions = {}): Figure {
  return xyPlot(series, "lines+markers", options);
}

/**
 * Points, a colour for each series.
 *
 * @example
 * ```ts
 * import { scatterPlot, show } from "any4";
 * await show(scatterPlot([{ name: "rows", x: [1, 2, 3], y: [0.1, 0.4, 0.2] }], { x: "kurtosis", y: "error" }));
 * ```
 */
export function scatterPlot(series: readonly XySeries[], options: XyOptions = {}): Figure {
  return xyPlot(series, "markers", options);
}

function xyPlot(series: readonly XySeries[], mode: "markers" | "lines+markers", options: XyOptions): Figure {
  const { width = 800, height = 300, title, log = "", level, format = (value: number) => decimal(value) } =
    options;
  const points = Math.max(0, ...series.map(({ x }) => x.length));
  const data = series.map(({ name, x, y, labels, color }, i): Trace => {
    const style = seriesStyle(name, i);
    const [xs, ys] = [Array.from(x), Array.from(y)];
    const shown = { ...style, color: color ?? style.color };
    return {
      type: "scatter",
      // Many points would hide their line.
      mode: mode !== "markers" && points > 60 ? "lines" : mode,
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
    most: Math.floor(width / 90),
  });
  const yaxis = axisFor([...data.map(({ y }) => y), level ? [level.y] : []], {
    title: options.y,
    log: log.includes("y"),
    range: options.range,
    format: options.format,
    most: 7,
  });
  const place = level && (log.includes("y") ? Math.log10(level.y) : level.y);
  const line: Line | undefined = place === undefined ? undefined : {
    type: "line",
    layer: "below",
    line: { color: neutralColor, width: 1.5, dash: "dash" },
    xref: "paper",
    yref: "y",
    x0: 0,
    x1: 1,
    y0: place,
    y1: place,
  };
  const margin = { l: 86, r: 16, t: 10, b: options.x ? 52 : 30 };
  return figure(data, {
    ...(title ? { title: { text: plotText(title) } } : {}),
    height: height + margin.t + margin.b,
    margin,
    xaxis,
    yaxis,
    ...(line ? { shapes: [line] } : {}),
    ...(level
      ? {
        annotations: [
          levelName(level.name, {
            y: place!,
            x: xaxis.range[1],
            toTop: place! < (yaxis.range[0] + yaxis.range[1]) / 2,
          }),
        ],
      }
      : {}),
  }, { width });
}

/** The level's name, at its right end, on the side that has more room. */
function levelName(name: string, { x, y, toTop }: { x: number; y: number; toTop: boolean }) {
  return { text: plotText(name), x, y, ax: -6 - 3.7 * name.length, ay: toTop ? -11 : 11 };
}
