/**
 * The error of each layer's output, by format.
 *
 * @module
 */
import type { Figure, FigureSize, Trace } from "./figure.ts";
import { figure, hover, plotText, plotWidth } from "./make_figure.ts";
import { neutralColor, seriesStyle } from "./palette.ts";
import { percent } from "../terminal/units.ts";

/** A format's errors, in the order of the layers. */
export interface LayerSeries {
  /** The format's name. */
  readonly name: string;
  /** Relative errors of the outputs; 0.01 is one per cent. */
  readonly errors: readonly number[];
}

const HEIGHT_PX = 420;

/**
 * Draws the relative error of every layer's output on a logarithmic axis, with a line for each format.
 *
 * @example
 * ```ts
 * import { layerErrorPlot } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const layers = ["model.layers.0.mlp.up_proj", "model.layers.0.mlp.down_proj"];
 * const figure = layerErrorPlot(layers, [{ name: "any4", errors: [0.07, 0.09] }]);
 * assertEquals(figure.layout.xaxis.ticktext, ["0.up_proj", "0.down_proj"]);
 * ```
 */
export function layerErrorPlot(
  layers: readonly string[],
  series: readonly LayerSeries[],
  options: FigureSize = {},
): Figure {
  const margin = { l: 86, r: 12, t: 10, b: 92 };
  const data = series.map(({ name, errors }, s): Trace => {
    const { color, symbol, dash } = seriesStyle(name, s);
    return {
      type: "scatter",
      mode: "lines+markers",
      name: plotText(name),
      x: layers.map((_, i) => i),
      // A logarithmic axis has no 0.
      y: layers.map((_, i) => errors[i]! > 0 && Number.isFinite(errors[i]) ? errors[i]! : null),
      line: { color, dash, width: /^any/i.test(name) ? 2.4 : 1.4 },
      marker: { color, symbol, size: layers.length > 60 ? 4 : 6 },
      hovertext: layers.map((layer, i) => hover(name, layer, `error of the output ${percent(errors[i])}`)),
      hoverinfo: "text",
    };
  });
  const names = layers.map(shortLayerName);
  const block = (i: number) => names[i]?.split(".")[0];
  const starts = names.flatMap((_, i) => i === 0 || block(i) !== block(i - 1) ? [i] : []);
  const known = data.flatMap(({ y }) => y.filter((error) => error !== null));
  const [low, high] = [Math.min(...known, 0.05), Math.max(...known, 0.1)];
  const errors = [-6, -5, -4, -3, -2, -1, 0, 1].flatMap((power) =>
    [1, 2, 5].map((digit) => digit * 10 ** power)
  )
    .filter((error) => error >= low / 1.5 && error <= high * 1.5);
  const shown = ticks(starts, { all: layers.length, fit: Math.floor(plotWidth(options, margin) / 9) });
  return figure(data, {
    height: HEIGHT_PX,
    margin,
    xaxis: {
      range: [-0.6, layers.length - 0.4],
      tickvals: shown,
      ticktext: shown.map((i) => plotText(names[i]!)),
      tickangle: -90,
      showgrid: false,
    },
    yaxis: {
      type: "log",
      title: { text: "error of the output" },
      range: [Math.log10(low / 1.5), Math.log10(high * 1.5)],
      tickvals: errors,
      ticktext: errors.map((error) => `${Number((100 * error).toPrecision(1))}\u00a0%`),
    },
    // A vertical line starts each block, unless there are too many blocks.
    shapes: starts.length > 48 ? [] : starts.slice(1).map((i) => ({
      type: "line",
      xref: "x",
      yref: "paper",
      x0: i - 0.5,
      x1: i - 0.5,
      y0: 0,
      y1: 1,
      layer: "below",
      line: { color: neutralColor, width: 0.5 },
    })),
  }, options);
}

/** "model.layers.3.self_attn.q_proj" as "3.q_proj"; names without a number stay as they are. */
function shortLayerName(name: string): string {
  return name.replace(/^.*?(?:^|\.)(\d+)\.(?:.*\.)?([^.]+)$/, "$1.$2");
}

/** The layers with a label: all if they fit, else the first of each block, or of every n-th block. */
function ticks(starts: readonly number[], { all, fit }: { all: number; fit: number }): number[] {
  if (all <= fit) return Array.from({ length: all }, (_, i) => i);
  const step = Math.ceil(starts.length / fit);
  return starts.filter((_, i) => i % step === 0);
}
