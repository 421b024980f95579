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

/**
 * A figure in the common style, with a legend below where a trace wants one.
 *
 * @param data what to draw.
 * @param layout what differs from plot to plot; room for the title and the legend is added to its height.
 * @param size the width that it is made for; plotly will stretch it.
 */
export function figure(data: readonly Trace[], layout: FigureLayout, size: FigureSize = {}): Figure {
  const { width = 800 } = size;
  const legend = legendHeight(data, width);
  const { title, margin, height, xaxis, yaxis, yaxis2, annotations = [], ...rest } = layout;
  const above = title ? TITLE_HEIGHT_PX : 0;
  const styled = {
    data,
    layout: {
      ...rest,
      ...(title ? { title: { ...TITLE, ...title } } : {}),
      font: { family: FONT, size: 13, color: neutralColor },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hovermode: "closest",
      hoverlabel: { align: "left" },
      // Dragging would zoom, and so would a finger that scrolls the page.
      dragmode: false,
      height: above + height + legend,
      margin: { ...margin, t: margin.t + above, b: margin.b + legend },
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
  return displayed(styled, () => figureSvg(styled, { width, title: title?.text, paper: "#ffffff" }));
}

/** Plain data that also says how a notebook shows it: by plotly, or as a static picture. */
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
    "text/plain": `figure${layout.title ? `: ${layout.title.text}` : ""}${
      names.length > 0 ? ` (${names.join(", ")})` : ""
    }`,
  });
  // Not enumerable, so that JSON and comparisons see plain data.
  return Object.defineProperty(shown, display, { value: bundle }) as Figure;
}

/** How plotly behaves: nothing stands over the plot. A "responsive" plot would lose its height in JupyterLab when it changes. */
const PLOTLY = { displayModeBar: false };

const TITLE = {
  font: { size: 15 },
  x: 0,
  y: 1,
  xref: "container",
  yref: "container",
  xanchor: "left",
  yanchor: "top",
  pad: { l: 12, t: 10 },
};

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
