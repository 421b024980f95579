/**
 * Plots of the speed of Linears by size, and of models.
 *
 * @module
 */
import type { Axis, Figure, FigureSize, Line, Trace } from "./figure.ts";
import { figure, hover, plotText, WIDTH_PX } from "./make_figure.ts";
import { formatStyle, neutralColor } from "./palette.ts";
import type { LinearSpeedRow, ModelSpeedRow } from "./speed_data.ts";
import { shapeText, times } from "./speed_table.ts";
import { decimal, percent, size } from "../terminal/units.ts";

const HEIGHT_PX = 380;
const MARGIN = { l: 72, r: 14, t: 12, b: 52 };

/**
 * Draws the speed of each format relative to f16 over the sizes, with a line for each format.
 *
 * @example
 * ```ts
 * import { speedupPlot } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const row = { cols: 1024, tokens: 1, format: "any4", bytesPerSecond: 4e9, flops: 1e10 };
 * const rows = [1024, 2048].map((rows) => ({ ...row, rows, seconds: 0.001, speedup: 2 }));
 * assertEquals(speedupPlot(rows).data.map(({ name }) => name), ["any4"]);
 * ```
 */
export function speedupPlot(rows: readonly LinearSpeedRow[], options: FigureSize = {}): Figure {
  const shown = rows.filter(({ format, speedup }) => format !== "f16" && speedup !== undefined);
  return overSizes(shown, {
    ...options,
    value: ({ speedup }) => speedup!,
    line: 1,
    axis: (largest) =>
      fromZero(largest, {
        title: "f16’s time / the format’s",
        tick: (value) => value === 1 ? "f16" : `${value}×`,
      }),
  });
}

/**
 * Draws the bytes a second that each format's product reads and writes, and the memory's bandwidth as a line.
 *
 * @example
 * ```ts
 * import { throughputPlot } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const row = { rows: 1024, cols: 1024, tokens: 1, format: "any4", bytesPerSecond: 4e9, flops: 1e10, seconds: 1e-3 };
 * assertEquals(throughputPlot([row], { bandwidth: 3e10 }).layout.yaxis.type, "log");
 * ```
 */
export function throughputPlot(
  rows: readonly LinearSpeedRow[],
  options: FigureSize & { readonly bandwidth?: number } = {},
): Figure {
  const { bandwidth } = options;
  return overSizes(rows, {
    ...options,
    value: ({ bytesPerSecond }) => bytesPerSecond / 1e9,
    line: bandwidth === undefined ? undefined : bandwidth / 1e9,
    axis: logarithmic,
  });
}

/** Draws a value of each format over the sizes, in the order of the rows, and a dashed line. */
function overSizes(
  rows: readonly LinearSpeedRow[],
  options: FigureSize & {
    readonly value: (row: LinearSpeedRow) => number;
    readonly line?: number;
    /** The vertical axis for the smallest and the largest value, the dashed line's included. */
    readonly axis: (largest: number, least: number) => Axis;
  },
): Figure {
  const { width = WIDTH_PX, value, line, axis } = options;
  const values = [...rows.map(value), ...line === undefined ? [] : [line]];
  const shapes = [...new Set(rows.map(shapeText))];
  const data = [...new Set(rows.map(({ format }) => format))].map((format): Trace => {
    const { color, symbol, dash } = formatStyle(format);
    const own = rows.filter((row) => row.format === format);
    return {
      type: "scatter",
      mode: "lines+markers",
      name: plotText(format),
      x: own.map((row) => shapes.indexOf(shapeText(row))),
      y: own.map(value),
      line: { color, dash, width: /^any/.test(format) ? 2.4 : 1.4 },
      marker: { color, symbol, size: 8 },
      hovertext: own.map((row) =>
        hover(
          `${format}, ${shapeText(row)}`,
          `${decimal(1e6 * row.seconds, 3)} µs, ${times(row.speedup)} as fast as f16`,
          `${decimal(row.bytesPerSecond / 1e9, 3)} GB/s, ${percent(row.share)} of the bandwidth`,
        )
      ),
      hoverinfo: "text",
    };
  });
  return figure(data, {
    height: HEIGHT_PX,
    margin: MARGIN,
    xaxis: {
      title: { text: "rows × columns of the weight" },
      range: [-0.4, shapes.length - 0.6],
      tickvals: shapes.map((_, i) => i),
      ticktext: shapes,
      showgrid: false,
    },
    yaxis: axis(Math.max(...values), Math.min(...values)),
    shapes: line === undefined ? [] : [dashed(line)],
  }, { width });
}

/**
 * Draws a model's tokens a second in each format: of the prompt above, generated ones below.
 *
 * @example
 * ```ts
 * import { tokensPlot } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const row = { bitsPerWeight: 4.5, weightBytes: 3e6, firstToken: 0.05, stepwise: 900, cacheBytes: 1e6, processBytes: 1e8 };
 * const figure = tokensPlot([{ ...row, format: "any4", prefill: 2000, decode: 1000 }]);
 * assertEquals(figure.layout.xaxis.ticktext, ["any4"]);
 * ```
 */
export function tokensPlot(rows: readonly ModelSpeedRow[], options: FigureSize = {}): Figure {
  const bars = (y: number, value: (row: ModelSpeedRow) => number) =>
    rows.map((row, i): Trace => ({
      type: "bar",
      name: plotText(row.format),
      x: [i],
      y: [value(row)],
      width: 0.62,
      marker: { color: formatStyle(row.format).color },
      hovertext: [
        hover(
          row.format,
          `prompt ${decimal(row.prefill, 3)} tokens/s, first token after ${
            decimal(1e3 * row.firstToken, 3)
          } ms`,
          `new tokens ${decimal(row.decode, 3)} a second, ${
            decimal(row.stepwise, 3)
          } with logits read for each`,
          `weights ${size(row.weightBytes)}, ${row.bitsPerWeight.toFixed(2)} bits per weight`,
        ),
      ],
      hoverinfo: "text",
      showlegend: false,
      ...(y === 2 ? { yaxis: "y2" } : {}),
    }));
  const axis = (value: (row: ModelSpeedRow) => number, title: string) =>
    fromZero(Math.max(...rows.map(value)), {
      title,
      tick: (number) => number.toLocaleString("en-US"),
      most: 4,
    });
  const [prefill, decode] = [({ prefill }: ModelSpeedRow) => prefill, ({ decode }: ModelSpeedRow) => decode];
  return figure([...bars(1, prefill), ...bars(2, decode)], {
    height: HEIGHT_PX,
    margin: { ...MARGIN, b: 34 },
    barmode: "overlay",
    xaxis: {
      range: [-0.6, rows.length - 0.4],
      tickvals: rows.map((_, i) => i),
      ticktext: rows.map(({ format }) => plotText(format)),
      showgrid: false,
      anchor: "y2",
    },
    yaxis: { ...axis(prefill, "prompt, tok/s"), domain: [0.56, 1] },
    yaxis2: { ...axis(decode, "new, tok/s"), domain: [0, 0.44] },
  }, options);
}

/** An axis from 0 to slightly more than the largest value, with ticks at round numbers. */
function fromZero(
  largest: number,
  { title, tick, most = 6 }: { title: string; tick: (value: number) => string; most?: number },
): Axis {
  const top = largest > 0 && Number.isFinite(largest) ? 1.06 * largest : 1;
  const power = 10 ** Math.floor(Math.log10(top / most));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((step) => top / step <= most)!;
  const ticks = Array.from(
    { length: Math.floor(top / step) + 1 },
    (_, i) => Number((i * step).toPrecision(6)),
  );
  return { title: { text: title }, range: [0, top], tickvals: ticks, ticktext: ticks.map(tick) };
}

/** An axis of GB/s from slightly below the smallest value to slightly above the largest. */
function logarithmic(largest: number, least: number): Axis {
  const [low, high] = [least / 1.3, largest * 1.3];
  const powers = Array.from({ length: 9 }, (_, i) => i - 4);
  const ticks = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)))
    .filter((tick) => tick >= low && tick <= high);
  const range = [Math.log10(low), Math.log10(high)] as const;
  return { type: "log", title: { text: "GB/s" }, range, tickvals: ticks, ticktext: ticks.map(String) };
}

/** A dashed line across the plot. */
function dashed(y: number): Line {
  const line = { color: neutralColor, width: 1.5, dash: "dash" } as const;
  return { type: "line", layer: "below", xref: "paper", yref: "y", x0: 0, x1: 1, y0: y, y1: y, line };
}
