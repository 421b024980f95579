/**
 * Bar charts: one number for each of several things.
 *
 * @module
 */
import type { Figure, Trace } from "./figure.ts";
import { figure, hover, plotText, plotWidth } from "./make_figure.ts";
import { formatStyle, isFormat, seriesStyle } from "./palette.ts";
import { axisFor } from "./ticks.ts";
import { decimal } from "../terminal/units.ts";
import type { PlotOptions } from "./xy_plot.ts";

/** One number for each thing, in one colour. */
export interface BarSeries {
  /** Its name in the legend; the name of a format gets the format's colour. */
  readonly name: string;
  /** The height of each bar; NaN leaves a gap. */
  readonly values: ArrayLike<number>;
  /** "#rrggbb" for all bars. */
  readonly color?: string;
}

/** Options of {@linkcode barChart}. */
export interface BarOptions extends PlotOptions {
  /** Whether heights are logarithmic. */
  readonly log?: boolean;
}

/**
 * Draws a group of bars for each thing, with one bar for each series. If there is one series and the things are formats,
 * each bar has its format's colour.
 *
 * @param things the labels below the bars.
 *
 * @example
 * ```ts
 * import { show } from "any4";
 * import { barChart } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const errors = [{ name: "error", values: [0.06, 0.08] }];
 * const figure = barChart(["any4", "int4"], errors, { y: "relative error of the output" });
 * assertEquals(figure.data.map(({ y }) => y), [[0.06], [0.08]]); // a bar for each format, in its colour
 * await show(figure);
 * ```
 */
export function barChart(
  things: readonly string[],
  series: readonly BarSeries[],
  options: BarOptions = {},
): Figure {
  const { height = 260, title, log = false, format = (value: number) => decimal(value) } = options;
  const bar = 0.8 / series.length;
  const data = series.flatMap(({ name, values, color }, s): Trace[] => {
    const heights = things.map((_, i) => Number.isFinite(values[i]) ? values[i]! : null);
    const trace = (chosen: readonly number[], color: string): Trace => ({
      type: "bar",
      name: plotText(name),
      x: chosen.map((i) => i - 0.4 + (s + 0.5) * bar),
      y: chosen.map((i) => heights[i]!),
      width: 0.94 * bar,
      marker: { color },
      hovertext: chosen.map((i) =>
        hover(things[i]!, `${series.length > 1 ? name : options.y ?? name}: ${format(values[i]!)}`)
      ),
      hoverinfo: "text",
      showlegend: series.length > 1,
    });
    const all = things.map((_, i) => i);
    if (color || series.length > 1) return [trace(all, color ?? seriesStyle(name, s).color)];
    // Series that are no formats are grey beside formats.
    const style = things.some(isFormat) ? formatStyle : (name: string) => seriesStyle(name, 0);
    const colors = Map.groupBy(all, (i) => style(things[i]!).color);
    return Array.from(colors, ([color, chosen]) => trace(chosen, color));
  });
  const letters = Math.max(0, ...things.map((thing) => thing.length));
  const sides = { l: 86, r: 16 };
  const turned = letters * 7.4 > plotWidth(options, sides) / things.length;
  const bottom = turned ? Math.min(24 + 6.5 * letters, 240) : 30;
  const margin = { ...sides, t: 10, b: bottom + (options.x ? 26 : 0) };
  return figure(data, {
    ...(title ? { title: { text: plotText(title) } } : {}),
    height: height + margin.t + margin.b,
    margin,
    xaxis: {
      ...(options.x ? { title: { text: options.x } } : {}),
      range: [-0.5, things.length - 0.5],
      tickvals: things.map((_, i) => i),
      ticktext: things.map(plotText),
      ...(turned ? { tickangle: -60 } : {}),
      showgrid: false,
    },
    yaxis: axisFor(data.map(({ y }) => y), {
      title: options.y,
      log,
      zero: true,
      format: options.format,
      most: 6,
    }),
  }, options);
}
