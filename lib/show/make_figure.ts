/**
 * Figures in the common style.
 *
 * @module
 */
import { display, type MimeBundle } from "../display.ts";
import type { Axis, Figure, FigureLayout, FigureSize, Trace } from "./figure.ts";
import { figureSvg, scale } from "./figure_svg.ts";
import { neutralColor } from "./palette.ts";

const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif';
const GRID = "rgba(128,136,144,0.22)";
/** A figure's width in pixels where nobody says: it fits beside a notebook's margin on a page of 800. */
export const WIDTH_PX = 680;
const TITLE_HEIGHT_PX = 34;
/** The narrowest page of a figure that is not told its width: JupyterLab's output on a window of 800 pixels. */
const NARROW_PX = 360;
/** Letters that fit its width as a title. */
const LONGEST_TITLE = 44;
/** Width of an axis's letters, and the least distance of turned labels that can be read, in pixels. */
const [LETTER_PX, LEAST_PX] = [6.8, 8];

/** Pixels from the plot's left end to its right end, on the narrowest page that is expected. */
export function plotWidth({ width = NARROW_PX }: FigureSize, { l, r }: { l: number; r: number }): number {
  return width - l - r;
}

/**
 * Makes a figure in the common style, with a legend below if a trace wants one.
 *
 * @param data the traces.
 * @param layout the plot's own part of the layout; the heights of title and legend are added.
 * @param size the width of the layout; plotly stretches the figure to its container.
 */
export function figure(data: readonly Trace[], layout: FigureLayout, size: FigureSize = {}): Figure {
  const { width = WIDTH_PX } = size;
  const legend = legendHeight(data, width);
  const { title, height, yaxis, yaxis2, annotations = [], ...rest } = layout;
  const lines = title ? titleLines(title.text, LONGEST_TITLE) : [];
  const above = lines.length === 0 ? 0 : TITLE_HEIGHT_PX + 20 * (lines.length - 1);
  const xaxis = fittedAxis(layout.xaxis, plotWidth(size, layout.margin));
  const below = xaxis.title?.text.includes("<br>") ? 18 : 0;
  const margin = { ...layout.margin, t: layout.margin.t + above, b: layout.margin.b + below };
  const plot = height - layout.margin.t - layout.margin.b;
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
      height: above + height + below + legend,
      margin: { ...margin, b: margin.b + legend },
      xaxis: styledAxis(xaxis),
      yaxis: styledAxis(yaxis),
      ...(yaxis2 ? { yaxis2: styledAxis(yaxis2) } : {}),
      annotations: annotations.map((one) => ({ ...LABEL, ...one })),
      showlegend: legend > 0,
      // Below the plot, which makes room for it where the page is narrow and it takes more lines.
      legend: { orientation: "h", x: 0, y: -margin.b / plot, xanchor: "left", yanchor: "top" },
    },
  };
  return displayed(styled, () => figureSvg(styled, { width, title: title?.text, ink: neutralColor }));
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

/** A title in two lines of about equal length where one of so many letters at most does not do. */
function titleLines(title: string, most: number): string[] {
  if (title.length <= most) return [title];
  const spaces = Array.from(title.matchAll(/ /g), ({ index }) => index);
  const middle = title.length / 2;
  const at = spaces.reduce((best, i) => Math.abs(i - middle) < Math.abs(best - middle) ? i : best, 0);
  return at === 0 ? [title] : [title.slice(0, at), title.slice(at + 1)];
}

/** The horizontal axis on a plot of some width: a long title is in two lines, and no label lies over another. */
function fittedAxis(axis: Axis, width: number): Axis {
  const { tickvals, ticktext, title } = axis;
  const fitted = title
    ? { ...axis, title: { text: titleLines(title.text, width / LETTER_PX).join("<br>") } }
    : axis;
  if (axis.tickangle) {
    const distance = width / tickvals.length;
    const step = Math.ceil(LEAST_PX / distance);
    const some = ticktext.map((label, i) => i % step === 0 ? label : "");
    const steep = { tickangle: -90, tickfont: { size: Math.min(Math.floor(step * distance), 13) } };
    return { ...fitted, ticktext: some, ...(distance < 15 ? steep : {}) };
  }
  const px = scale(axis, [0, width]);
  let end = -Infinity;
  const apart = ticktext.map((label, i) => {
    const [middle, half] = [px(tickvals[i]!), LETTER_PX * label.length / 2];
    if (middle - half < end) return "";
    end = middle + half + 6;
    return label;
  });
  return { ...fitted, tickangle: 0, ticktext: apart };
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
