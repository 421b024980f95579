/**
 * Figures in the common style.
 *
 * @module
 */
import { display, type MimeBundle } from "../display.ts";
import type { Axis, Figure, FigureLayout, FigureSize, Trace } from "./figure.ts";
import { figureSvg } from "./figure_svg.ts";
import { neutralColor } from "./palette.ts";

const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif';
const GRID = "rgba(128,136,144,0.22)";
const TITLE_HEIGHT_PX = 34;
/** Letters that fit a line of 370 pixels: JupyterLab's output on a window of 800. */
const LONGEST_TITLE = 44;

/**
 * Makes a figure in the common style, with a legend below if a trace wants one.
 *
 * @param data the traces.
 * @param layout the plot's own part of the layout; the heights of title and legend are added.
 * @param size the width of the layout; plotly stretches the figure to its container.
 */
export function figure(data: readonly Trace[], layout: FigureLayout, size: FigureSize = {}): Figure {
  const { width = 800 } = size;
  const legend = legendHeight(data, width);
  const { title, margin, height, xaxis, yaxis, yaxis2, annotations = [], ...rest } = layout;
  const lines = title ? titleLines(title.text) : [];
  const above = lines.length === 0 ? 0 : TITLE_HEIGHT_PX + 20 * (lines.length - 1);
  const plot = height - margin.t - margin.b;
  const styled = {
    data,
    layout: {
      ...rest,
      ...(title
        ? { title: { ...TITLE, text: lines.join("<br>"), pad: { l: 12, t: 10 + 14 * (lines.length - 1) } } }
        : {}),
      font: { family: FONT, size: 13, color: neutralColor },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hovermode: "closest",
      hoverlabel: { align: "left" },
      // Dragging would zoom, so that a page could not be scrolled by touch.
      dragmode: false,
      height: above + height + legend,
      margin: { ...margin, t: margin.t + above, b: margin.b + legend },
      xaxis: styledAxis(xaxis),
      yaxis: styledAxis(yaxis),
      ...(yaxis2 ? { yaxis2: styledAxis(yaxis2) } : {}),
      annotations: annotations.map((one) => ({ ...LABEL, ...one })),
      showlegend: legend > 0,
      // Below the plot, which makes room for it where the page is narrow and it takes more lines.
      legend: { orientation: "h", x: 0, y: -margin.b / plot, xanchor: "left", yanchor: "top" },
    },
  };
  return displayed(styled, () => figureSvg(styled, { width, title: title?.text, paper: "#ffffff" }));
}

/** Adds to plain data how a notebook displays it: by plotly, or as a static picture. */
export function displayed(
  { data, layout, frames }: Pick<Figure, "data" | "layout"> & { readonly frames?: unknown },
  picture: () => string,
): Figure {
  const names = data.filter(({ showlegend, visible }) => showlegend !== false && visible !== false)
    .map(({ name }) => name);
  const shown = { data, layout, ...(frames === undefined ? {} : { frames }) };
  const bundle = (): MimeBundle => ({
    "application/vnd.plotly.v1+json": { ...shown, config: PLOTLY },
    "image/svg+xml": picture(),
    "text/plain": `figure${layout.title ? `: ${layout.title.text.replaceAll("<br>", " ")}` : ""}${
      names.length > 0 ? ` (${names.join(", ")})` : ""
    }`,
  });
  // Not enumerable, so that JSON and comparisons see only the data.
  return Object.defineProperty(shown, display, { value: bundle }) as Figure;
}

/** Plotly's settings: no tool bar. "responsive" is off because plots would lose their height in JupyterLab when updated. */
const PLOTLY = { displayModeBar: false };

const TITLE = {
  font: { size: 15 },
  x: 0,
  y: 1,
  xref: "container",
  yref: "container",
  xanchor: "left",
  yanchor: "top",
};

/** A title in two lines of about equal length where one would not fit a narrow page. */
function titleLines(title: string): string[] {
  if (title.length <= LONGEST_TITLE) return [title];
  const spaces = Array.from(title.matchAll(/ /g), ({ index }) => index);
  const middle = title.length / 2;
  const at = spaces.reduce((best, i) => Math.abs(i - middle) < Math.abs(best - middle) ? i : best, 0);
  return at === 0 ? [title] : [title.slice(0, at), title.slice(at + 1)];
}

function styledAxis(axis: Axis): Axis {
  const common = { gridcolor: GRID, zeroline: false, fixedrange: true, tickmode: "array" };
  const title = axis.title ? { title: { ...axis.title, font: { size: 13 }, standoff: 10 } } : {};
  return { ...common, ...axis, ...title };
}

const LABEL = { showarrow: true, arrowhead: 0, arrowwidth: 0.8, arrowcolor: neutralColor, standoff: 6 };

/** Height of the legend in pixels; its columns are as wide as the longest entry. */
function legendHeight(data: readonly Trace[], width: number): number {
  const shown = data.filter(({ showlegend }) => showlegend !== false);
  if (shown.length === 0) return 0;
  const entry = 50 + 7 * Math.max(...shown.map(({ name }) => name.length));
  return 14 + 20 * Math.ceil(shown.length / Math.max(Math.floor(width / entry), 1));
}

/** Escapes a name for plotly, which reads "<b>" as bold and "&lt;" as "<". */
export function plotText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The lines of a hover text, the first in bold. */
export function hover(name: string, ...lines: string[]): string {
  return [`<b>${plotText(name)}</b>`, ...lines.map(plotText)].join("<br>");
}
