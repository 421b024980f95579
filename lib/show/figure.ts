/**
 * Plotly figures, as far as the plots here use them: plain data that a page gives to plotly and a notebook shows.
 *
 * @module
 */
import type { View } from "../display.ts";
import type { Dash, PointShape } from "./palette.ts";

/** One set of points, lines or bars, or a rectangle of coloured cells. */
export interface Trace {
  /** Points and lines, bars, or coloured cells. */
  readonly type: "scatter" | "bar" | "heatmap";
  /** What the legend calls it, in plotly's markup. */
  readonly name: string;
  /** Where its points are, in axis units; x, y and hovertext are of one length. Of cells: the columns' middles. */
  readonly x: readonly number[];
  /** Their heights, in axis units; null leaves a gap. Of cells: the rows' middles. */
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
  readonly hovertext?: readonly string[] | readonly (readonly string[])[];
  /** The same for all points, with plotly's "%{x}", "%{y}" and "%{z}" in it. */
  readonly hovertemplate?: string;
  /** Of cells: their values, a list a row. */
  readonly z?: readonly (readonly number[])[];
  /** Of cells: the value that has the first colour. */
  readonly zmin?: number;
  /** Of cells: the value that has the last colour. */
  readonly zmax?: number;
  /** Of cells: places from 0 to 1 and their colours. */
  readonly colorscale?: readonly (readonly [number, string])[];
  /** Of cells: what the colours mean, beside the plot. */
  readonly colorbar?: {
    readonly title: {
      readonly text: string;
      readonly side: "right";
      readonly font: { readonly size: number };
    };
    readonly tickvals: readonly number[];
    readonly ticktext: readonly string[];
    readonly thickness: number;
    readonly outlinewidth: 0;
  };
  /** Whether it is drawn; true when absent. */
  readonly visible?: boolean;
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
export interface FigureLayout {
  /** What the figure shows, above it. */
  readonly title?: { readonly text: string };
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

/** What plotly draws: give `data` and `layout` to `Plotly.newPlot`, or the figure to `show`. */
export interface Figure extends View {
  /** What is drawn, the first at the back. */
  readonly data: readonly Trace[];
  /** What is around it. */
  readonly layout: FigureLayout;
}

/** How much room a figure has. */
export interface FigureSize {
  /** Pixels from edge to edge; default 800. */
  readonly width?: number;
}
