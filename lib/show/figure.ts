/**
 * The part of Plotly's figure format that the plots here use. Figures are plain data; pages and notebooks pass them to plotly.
 *
 * @module
 */
import type { View } from "../display.ts";
import type { Dash, PointShape } from "./palette.ts";

/** One set of points, lines or bars, or a rectangle of coloured cells. */
export interface Trace {
  /** Points and lines, bars, or coloured cells. */
  readonly type: "scatter" | "bar" | "heatmap";
  /** Name in the legend, in plotly's markup. */
  readonly name: string;
  /** Positions of the points, in axis units; x, y and hovertext have equal lengths. For cells: the columns' middles. */
  readonly x: readonly number[];
  /** Heights of the points, in axis units; null leaves a gap. For cells: the rows' middles. */
  readonly y: readonly (number | null)[];
  /** For points: joined, marked or both. */
  readonly mode?: "lines" | "markers" | "lines+markers";
  /** The vertical axis; the first when absent. */
  readonly yaxis?: "y2";
  /** Width of bars, in units of x. */
  readonly width?: number;
  /** Style of points or bars; sizes and widths in pixels. */
  readonly marker?: {
    readonly color: string;
    readonly size?: number;
    /** "line-ns-open" is a vertical stroke. */
    readonly symbol?: PointShape | "line-ns-open";
    readonly line?: { readonly color: string; readonly width: number };
  };
  /** Style of the line between points; its width in pixels. */
  readonly line?: { readonly color: string; readonly width: number; readonly dash?: Dash };
  /** Hover text of each point, in plotly's markup. */
  readonly hovertext?: readonly string[] | readonly (readonly string[])[];
  /** Hover text of all points, with plotly's "%{x}", "%{y}" and "%{z}". */
  readonly hovertemplate?: string;
  /** For cells: their values, one list per row. */
  readonly z?: readonly (readonly number[])[];
  /** For cells: the value of the first colour. */
  readonly zmin?: number;
  /** For cells: the value of the last colour. */
  readonly zmax?: number;
  /** For cells: positions from 0 to 1 and their colours. */
  readonly colorscale?: readonly (readonly [number, string])[];
  /** For cells: the colour bar beside the plot. */
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
  /** "text" shows only the hover text, "skip" shows none. */
  readonly hoverinfo?: "text" | "skip";
  /** Whether it is in the legend; true when absent. */
  readonly showlegend?: boolean;
}

/** An axis, with explicit ticks and range. */
export interface Axis {
  /** Title of the axis. */
  readonly title?: { readonly text: string };
  /** "log" takes the logarithms to base 10 as range, and plain numbers as ticks. */
  readonly type?: "linear" | "log";
  /** The first and the last number shown. */
  readonly range: readonly [number, number];
  /** Positions of the ticks. */
  readonly tickvals: readonly number[];
  /** Their labels, in plotly's markup. */
  readonly ticktext: readonly string[];
  /** Clockwise rotation of the labels, in degrees. */
  readonly tickangle?: number;
  /** Style of the labels; size in pixels. */
  readonly tickfont?: { readonly size: number };
  /** The part of the plot's height that it covers, from 0 to 1. */
  readonly domain?: readonly [number, number];
  /** For the horizontal axis: the vertical axis above it. */
  readonly anchor?: "y" | "y2";
  /** Whether grid lines are drawn at the ticks; true when absent. */
  readonly showgrid?: boolean;
}

/** A text at a point. */
export interface Annotation {
  /** The text, in plotly's markup. */
  readonly text: string;
  /** The point, in axis units; on a logarithmic axis, the logarithm. */
  readonly x: number;
  /** The point, in axis units. */
  readonly y: number;
  /** Distance of the text to the right of the point, in pixels. */
  readonly ax: number;
  /** Distance of the text below the point, in pixels. */
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
  /** "below" draws it behind the traces. */
  readonly layer: "below";
  /** Its style; width in pixels. */
  readonly line: { readonly color: string; readonly width: number; readonly dash?: Dash };
}

/** Axes, titles, texts and sizes. */
export interface FigureLayout {
  /** Title above the figure. */
  readonly title?: { readonly text: string };
  /** Height in pixels, with the legend. */
  readonly height: number;
  /** Pixels to the left, right, top and bottom of the plot, for its axes. */
  readonly margin: { readonly l: number; readonly r: number; readonly t: number; readonly b: number };
  /** The horizontal axis. */
  readonly xaxis: Axis;
  /** The vertical axis. */
  readonly yaxis: Axis;
  /** A second vertical axis, below the first. */
  readonly yaxis2?: Axis;
  /** "overlay" draws bars at their x; by default plotly moves the bars of several traces side by side. */
  readonly barmode?: "overlay";
  /** Lines across the plot. */
  readonly shapes?: readonly Line[];
  /** Texts in the plot. */
  readonly annotations?: readonly Annotation[];
}

/** A plotly figure: pass `data` and `layout` to `Plotly.newPlot`, or the figure to `show`. */
export interface Figure extends View {
  /** The traces; the first is drawn at the back. */
  readonly data: readonly Trace[];
  /** Axes, titles, texts and sizes. */
  readonly layout: FigureLayout;
}

/** The size of a figure. */
export interface FigureSize {
  /** Width in pixels; 680 when absent. */
  readonly width?: number;
}
