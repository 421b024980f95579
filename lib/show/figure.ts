/**
 * Plotly figures, as far as the plots here use them: plain data that a page gives to plotly and a notebook shows
 * when a cell ends with it.
 *
 * @module
 */
import { figureSvg } from "./figure_svg.ts";
import { type Dash, neutralColor, type PointShape } from "./palette.ts";

/** One set of points, lines or bars. */
export interface Trace {
  /** Points and lines, or bars. */
  readonly type: "scatter" | "bar";
  /** What the legend calls it, in plotly's markup. */
  readonly name: string;
  /** Where its points are, in axis units; x, y and hovertext are of one length. */
  readonly x: readonly number[];
  /** Their heights, in axis units; null leaves a gap. */
  readonly y: readonly (number | null)[];
  /** Of points: joined, marked or both. */
  readonly mode?: "lines" | "markers" | "lines+markers";
  /** Which vertical axis; the first unless said. */
  readonly yaxis?: "y2";
  /** Of bars, in the units of x. */
  readonly width?: number;
  /** How points or bars look; sizes and widths in pixels. */
  readonly marker?: {
    readonly color: string;
    readonly size?: number;
    /** "line-ns-open" is a vertical stroke. */
    readonly symbol?: PointShape | "line-ns-open";
    readonly line?: { readonly color: string; readonly width: number };
  };
  /** How the line between points looks; its width in pixels. */
  readonly line?: { readonly color: string; readonly width: number; readonly dash?: Dash };
  /** What is shown beside each point under the pointer, in plotly's markup. */
  readonly hovertext?: readonly string[];
  /** Whether that text is all that is shown, or nothing at all. */
  readonly hoverinfo?: "text" | "skip";
  /** Whether the legend has it; true when absent. */
  readonly showlegend?: boolean;
}

/** One axis; its ticks and range are always given. */
export interface Axis {
  /** What the numbers are. */
  readonly title?: { readonly text: string };
  /** A logarithmic axis has powers of ten as range, and plain numbers as ticks. */
  readonly type?: "linear" | "log";
  /** The first and the last number shown. */
  readonly range: readonly [number, number];
  /** Where ticks stand. */
  readonly tickvals: readonly number[];
  /** What stands at each of them, in plotly's markup. */
  readonly ticktext: readonly string[];
  /** Degrees that these texts are turned clockwise. */
  readonly tickangle?: number;
  /** Which part of the plot's height it takes. */
  readonly domain?: readonly [number, number];
  /** Of the horizontal axis: the vertical one that it lies below. */
  readonly anchor?: "y" | "y2";
  /** Whether lines cross the plot at its ticks; true when absent. */
  readonly showgrid?: boolean;
}

/** A text at a point. */
export interface Annotation {
  /** What it says, in plotly's markup. */
  readonly text: string;
  /** The point, in axis units: a logarithmic axis wants the logarithm. */
  readonly x: number;
  /** The point, in axis units. */
  readonly y: number;
  /** How far to the right of the point the text stands, in pixels. */
  readonly ax: number;
  /** How far below it, in pixels. */
  readonly ay: number;
}

/** A straight line across the plot, from (x0, y0) to (x1, y1): plain numbers, on a logarithmic axis too. */
export interface Line {
  /** Plotly's name of the shape. */
  readonly type: "line";
  /** Whether x0 and x1 are parts of the plot's width or in axis units. */
  readonly xref: "paper" | "x";
  /** Whether y0 and y1 are parts of the plot's height or in axis units. */
  readonly yref: "paper" | "y";
  /** Where it starts. */
  readonly x0: number;
  /** Where it ends. */
  readonly x1: number;
  /** Where it starts. */
  readonly y0: number;
  /** Where it ends. */
  readonly y1: number;
  /** Behind the traces. */
  readonly layer: "below";
  /** How it looks; its width in pixels. */
  readonly line: { readonly color: string; readonly width: number; readonly dash?: Dash };
}

/** Everything around the traces. */
export interface Layout {
  /** Pixels, the legend counted. */
  readonly height: number;
  /** Pixels to the left, right, top and bottom of the plot, for its axes. */
  readonly margin: { readonly l: number; readonly r: number; readonly t: number; readonly b: number };
  /** The horizontal axis. */
  readonly xaxis: Axis;
  /** The vertical axis. */
  readonly yaxis: Axis;
  /** A second vertical axis, below the first. */
  readonly yaxis2?: Axis;
  /** Bars stand where their x says, even where traces have several; plotly puts them side by side otherwise. */
  readonly barmode?: "overlay";
  /** Lines across the plot. */
  readonly shapes?: readonly Line[];
  /** Texts in the plot. */
  readonly annotations?: readonly Annotation[];
}

/** What plotly draws: give `data` and `layout` to `Plotly.newPlot`, or end a notebook's cell with the figure. */
export interface Figure {
  /** What is drawn, the first at the back. */
  readonly data: readonly Trace[];
  /** What is around it. */
  readonly layout: Layout;
}

/** How much room a figure has. */
export interface FigureSize {
  /** Pixels from edge to edge; default 800. */
  readonly width?: number;
}

const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif';
const GRID = "rgba(128,136,144,0.22)";

/**
 * A figure in the common style, with a legend below where a trace wants one.
 *
 * @param data what to draw.
 * @param layout what differs from plot to plot; room for the legend is added to its height.
 * @param size the width that it is made for; plotly will stretch it.
 */
export function figure(data: readonly Trace[], layout: Layout, size: FigureSize = {}): Figure {
  const { width = 800 } = size;
  const legend = legendHeight(data, width);
  const { margin, height, xaxis, yaxis, yaxis2, annotations = [], ...rest } = layout;
  const styled = {
    data,
    layout: {
      ...rest,
      font: { family: FONT, size: 13, color: neutralColor },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hovermode: "closest",
      hoverlabel: { align: "left" },
      // Dragging would zoom, and so would a finger that scrolls the page.
      dragmode: false,
      height: height + legend,
      margin: { ...margin, b: margin.b + legend },
      xaxis: styledAxis(xaxis),
      yaxis: styledAxis(yaxis),
      ...(yaxis2 ? { yaxis2: styledAxis(yaxis2) } : {}),
      annotations: annotations.map((one) => ({ ...LABEL, ...one })),
      showlegend: legend > 0,
      legend: {
        orientation: "h",
        xref: "container",
        yref: "container",
        x: 0,
        y: 0,
        xanchor: "left",
        yanchor: "bottom",
      },
    },
  };
  // Not enumerable, so that JSON and comparisons see plain data.
  return Object.defineProperty(styled, Symbol.for("Jupyter.display"), {
    value: () => ({
      "application/vnd.plotly.v1+json": styled,
      "text/html": figureSvg(styled, { width }),
    }),
  });
}

function styledAxis(axis: Axis): Axis {
  const common = { gridcolor: GRID, zeroline: false, fixedrange: true, tickmode: "array" };
  const title = axis.title ? { title: { ...axis.title, font: { size: 13 }, standoff: 10 } } : {};
  return { ...common, ...axis, ...title };
}

const LABEL = { showarrow: true, arrowhead: 0, arrowwidth: 0.8, arrowcolor: neutralColor, standoff: 6 };

/** Pixels for the legend's lines: entries stand in columns as wide as the longest. */
function legendHeight(data: readonly Trace[], width: number): number {
  const shown = data.filter(({ showlegend }) => showlegend !== false);
  if (shown.length === 0) return 0;
  const entry = 50 + 7 * Math.max(...shown.map(({ name }) => name.length));
  return 14 + 20 * Math.ceil(shown.length / Math.max(Math.floor(width / entry), 1));
}

/** Names as plotly's texts show them: it would read "<b>" as bold and "&lt;" as "<". */
export function plotText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The lines of a hover text, the first in bold. */
export function hover(name: string, ...lines: string[]): string {
  return [`<b>${plotText(name)}</b>`, ...lines.map(plotText)].join("<br>");
}
