/**
 * Matrices as coloured cells.
 *
 * @module
 */
import { DIVERGING, SEQUENTIAL } from "./color_scale.ts";
import type { Figure } from "./figure.ts";
import { figure, hover, plotText } from "./make_figure.ts";
import { extent, roundTicks } from "./ticks.ts";
import { decimal } from "../terminal/units.ts";
import type { PlotOptions } from "./xy_plot.ts";

/** Options of {@linkcode heatMap}. */
export interface HeatMapOptions extends PlotOptions {
  /** Title of the colour bar, with the unit. */
  readonly value?: string;
  /** Names of the columns; numbers when absent. */
  readonly columns?: readonly string[];
  /** Names of the rows; numbers when absent. */
  readonly rowNames?: readonly string[];
  /** Values of the first and the last colour; by default the extremes, symmetric around 0 if there are both signs. */
  readonly range?: readonly [number, number];
}

/** The largest number of cells that a picture of this size can show. */
const [MOST_ROWS, MOST_COLUMNS] = [96, 160];
const MOST_TEXTS = 600;

/**
 * Draws a matrix as coloured cells, with the first row at the top. Beyond 96 rows or 160 columns, a cell stands for several
 * values and shows the one of the largest magnitude, so that outliers stay visible.
 *
 * @param matrix [rows, cols], row-major.
 *
 * @example
 * ```ts
 * import { show } from "any4";
 * import { heatMap } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const matrix = { rows: 2, cols: 3, data: Float32Array.of(-1, 0, 1, 2, 0.5, -2) };
 * const figure = heatMap(matrix, { x: "column", y: "row", value: "weight" });
 * assertEquals(figure.data.length, 1);
 * await show(figure);
 * ```
 */
export function heatMap(
  matrix: { readonly rows: number; readonly cols: number; readonly data: ArrayLike<number> },
  options: HeatMapOptions = {},
): Figure {
  const { rows, cols, data } = matrix;
  const { title, columns, rowNames, value = "value", format = (v: number) => decimal(v) } = options;
  const block = { rows: Math.ceil(rows / MOST_ROWS), cols: Math.ceil(cols / MOST_COLUMNS) };
  const shown = { rows: Math.ceil(rows / block.rows), cols: Math.ceil(cols / block.cols) };
  const span = (i: number, size: number, end: number) => [i * size, Math.min((i + 1) * size, end)] as const;
  const z = Array.from({ length: shown.rows }, (_, r) =>
    Array.from({ length: shown.cols }, (_, c) => {
      let most = 0;
      const [[top, bottom], [left, right]] = [span(r, block.rows, rows), span(c, block.cols, cols)];
      for (let i = top; i < bottom; i++) {
        for (let j = left; j < right; j++) {
          if (Math.abs(data[i * cols + j]!) > Math.abs(most)) most = data[i * cols + j]!;
        }
      }
      return Number(most.toPrecision(4));
    }));
  const [low, high] = extent(z);
  const most = Math.max(-low, high);
  const [zmin, zmax] = options.range ?? (low < 0 && high > 0 ? [-most, most] : [low, high]);
  const middle = (i: number, size: number, end: number) => {
    const [from, to] = span(i, size, end);
    return (from + to - 1) / 2;
  };
  const name = (i: number, size: number, end: number, names?: readonly string[]) => {
    const [from, to] = span(i, size, end);
    return names?.[from] ?? (to - from === 1 ? String(from) : `${from} to ${to - 1}`);
  };
  const words = [value, options.y ?? "row", options.x ?? "column"] as const;
  // Beyond this number, hover texts would make up most of the figure's size.
  const hovers = shown.rows * shown.cols > MOST_TEXTS
    ? {
      hovertemplate: `${
        hover(`${words[0]}: %{z:.4g}`, `${words[1]} %{y}`, `${words[2]} %{x}`)
      }<extra></extra>`,
    }
    : {
      hoverinfo: "text" as const,
      hovertext: z.map((line, r) =>
        line.map((cell, c) =>
          hover(
            `${words[0]}: ${format(cell)}`,
            `${words[1]} ${name(r, block.rows, rows, rowNames)}`,
            `${words[2]} ${name(c, block.cols, cols, columns)}`,
          )
        )
      ),
    };
  const axis = (count: number, names: readonly string[] | undefined, fit: number) => {
    const values = names ? names.map((_, i) => i) : roundTicks([0, Math.max(count - 1, 1)], fit);
    return { tickvals: values, ticktext: names ? names.map(plotText) : values.map(String), showgrid: false };
  };
  const letters = Math.max(0, ...(columns ?? []).map((column) => column.length));
  const turned = letters * 7.4 > 260 / cols;
  const below = turned ? Math.min(Math.max(96, 20 + 6.5 * letters), 180) : options.x ? 52 : 30;
  const left = rowNames ? 40 + 7.2 * Math.max(...rowNames.map((row) => row.length)) : 76;
  const margin = { l: left, r: 96, t: 10, b: below };
  const height = options.height ?? Math.min(Math.max(22 * shown.rows, 120), 360);
  const ticks = roundTicks([zmin, zmax], Math.max(Math.floor(height / 36), 2));
  return figure([{
    type: "heatmap",
    name: value,
    x: z[0]!.map((_, c) => middle(c, block.cols, cols)),
    y: z.map((_, r) => middle(r, block.rows, rows)),
    z,
    zmin,
    zmax,
    colorscale: low < 0 && high > 0 ? DIVERGING : SEQUENTIAL,
    colorbar: {
      title: { text: plotText(value), side: "right", font: { size: 13 } },
      tickvals: ticks,
      ticktext: ticks.map((tick) => options.format ? format(tick) : String(tick)),
      thickness: 14,
      outlinewidth: 0,
    },
    ...hovers,
    showlegend: false,
  }], {
    ...(title ? { title: { text: plotText(title) } } : {}),
    height: height + margin.t + margin.b,
    margin,
    xaxis: {
      ...(options.x ? { title: { text: options.x } } : {}),
      range: [-0.5, cols - 0.5],
      ...axis(cols, columns, 9),
      ...(turned ? { tickangle: -60 } : {}),
    },
    yaxis: {
      ...(options.y ? { title: { text: options.y } } : {}),
      // Plotly counts rows from the bottom; the first row belongs at the top.
      range: [rows - 0.5, -0.5],
      ...axis(rows, rowNames, 8),
    },
  }, options);
}
