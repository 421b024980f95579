/**
 * The plots that recur, as plotly figures.
 *
 * @module
 */
import type { Report, ReportRow } from "./report.ts";

/** A plotly figure. */
export interface Figure {
  data: Record<string, unknown>[];
  layout: Record<string, unknown>;
}

/** Learned formats are warm, fixed ones cool: told apart by the colour-blind too. */
const LEARNED = "#d5570f";
const FIXED = "#2b6cb0";
const GREY = "#7a8794";
const COLOURS = [
  "#2b6cb0",
  "#d5570f",
  "#2f855a",
  "#805ad5",
  "#b7791f",
  "#0f8b8d",
  "#c53082",
  "#4a5568",
  "#6aa84f",
  "#9c4221",
  "#5a67d8",
];

function layout(options: Record<string, unknown>): Record<string, unknown> {
  return {
    font: { family: "system-ui, sans-serif", size: 13, color: "#1d2733" },
    margin: { l: 64, r: 24, t: 16, b: 56 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hoverlabel: { align: "left" },
    ...options,
  };
}

const axis = (title: string, more: Record<string, unknown> = {}) => ({
  title: { text: title },
  gridcolor: "#e8edf2",
  zeroline: false,
  ...more,
});

/** The rows that no other beats in both bits and perplexity, by rising bits. */
export function paretoFront<Row extends { bitsPerWeight: number; perplexity: number }>(
  rows: readonly Row[],
): Row[] {
  const ordered = [...rows].sort((a, b) => a.bitsPerWeight - b.bitsPerWeight || a.perplexity - b.perplexity);
  let best = Infinity;
  return ordered.filter((row) => row.perplexity < best && ((best = row.perplexity), true));
}

/** Bits per weight against perplexity, the best of each size joined. */
export function paretoPlot(rows: readonly ReportRow[], baseline: { perplexity: number }): Figure {
  const points = (learned: boolean): Record<string, unknown> => {
    const some = rows.filter((row) => row.learned === learned);
    return {
      name: learned ? "learned tables" : "fixed formats",
      type: "scatter",
      mode: "markers+text",
      x: some.map((row) => row.bitsPerWeight),
      y: some.map((row) => row.perplexity),
      text: some.map((row) => row.format),
      textposition: some.map((_, i) => i % 2 === 0 ? "top center" : "bottom center"),
      marker: { size: 11, color: learned ? LEARNED : FIXED, symbol: learned ? "diamond" : "circle" },
      customdata: some.map((row) => [row.kl, 100 * row.top1, row.groupSize]),
      hovertemplate:
        "<b>%{text}</b><br>%{x:.2f} bits per weight<br>perplexity %{y:.4g}<br>KL %{customdata[0]:.3g}" +
        "<br>top-1 %{customdata[1]:.1f} %<br>groups of %{customdata[2]}<extra></extra>",
    };
  };
  const front = paretoFront(rows);
  const line = {
    name: "best at its size",
    type: "scatter",
    mode: "lines",
    x: front.map((row) => row.bitsPerWeight),
    y: front.map((row) => row.perplexity),
    line: { color: GREY, width: 1.5, dash: "dot" },
    hoverinfo: "skip",
  };
  return {
    data: [line, points(false), points(true)],
    layout: layout({
      xaxis: axis("bits per weight"),
      yaxis: axis("perplexity", { type: "log" }),
      legend: { orientation: "h", y: 1.08 },
      shapes: [{
        type: "line",
        xref: "paper",
        x0: 0,
        x1: 1,
        y0: baseline.perplexity,
        y1: baseline.perplexity,
        line: { color: GREY, dash: "dash", width: 1 },
      }],
      annotations: [{
        xref: "paper",
        x: 1,
        y: Math.log10(baseline.perplexity),
        yanchor: "bottom",
        xanchor: "right",
        text: "original",
        showarrow: false,
        font: { color: GREY },
      }],
    }),
  };
}

/** Perplexity of each kind of text, as a multiple of the original's. */
export function kindsPlot(rows: readonly ReportRow[], baseline: Record<string, number>): Figure {
  const kinds = Object.keys(baseline);
  return {
    data: rows.map((row, i) => ({
      name: row.format,
      type: "bar",
      x: kinds,
      y: kinds.map((kind) => row.kinds[kind]! / baseline[kind]!),
      marker: { color: COLOURS[i % COLOURS.length] },
      hovertemplate: `<b>${row.format}</b>, %{x}<br>%{y:.3f} × the original's perplexity<extra></extra>`,
    })),
    layout: layout({
      barmode: "group",
      xaxis: axis(""),
      yaxis: axis("× the original's perplexity", { type: "log" }),
    }),
  };
}

/** A histogram of weights above, and below it each format's values as a row of ticks. */
export function histogramPlot(histogram: Report["histogram"]): Figure {
  const values = Array.from(histogram.values);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const bins = 40;
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    counts[Math.min(Math.floor((value - min) / (max - min || 1) * bins), bins - 1)]!++;
  }
  const width = (max - min) / bins;
  const names = histogram.formats.map(({ name }) => name).reverse();
  const bars = {
    type: "bar",
    x: counts.map((_, i) => min + (i + 0.5) * width),
    y: counts,
    width,
    marker: { color: "#b8c4d0" },
    hovertemplate: "%{y} weights near %{x:.4f}<extra></extra>",
    showlegend: false,
  };
  const ticks = histogram.formats.map(({ name, values }) => ({
    type: "scatter",
    mode: "markers",
    x: values,
    y: values.map(() => name),
    yaxis: "y2",
    marker: {
      symbol: "line-ns-open",
      size: 11,
      color: name.startsWith("any") ? LEARNED : FIXED,
      line: { width: 1.5 },
    },
    hovertemplate: `<b>${name}</b> %{x:.5f}<extra></extra>`,
    showlegend: false,
  }));
  return {
    data: [bars, ...ticks],
    layout: layout({
      xaxis: axis("weight", { anchor: "y2" }),
      yaxis: axis("weights", { domain: [0.52, 1] }),
      yaxis2: axis("", { domain: [0, 0.47], type: "category", categoryarray: names, categoryorder: "array" }),
      bargap: 0,
    }),
  };
}

/** The relative error of each layer's output, a line a format. */
export function layerErrorPlot(layers: Report["layers"]): Figure {
  const names = layers.names.map((name) => name.replace(/^model\.layers\.(\d+)\.(?:self_attn|mlp)\./, "$1."));
  return {
    data: layers.series.map(({ name, errors }, i) => ({
      name,
      type: "scatter",
      mode: "lines+markers",
      x: names,
      y: errors,
      line: {
        color: COLOURS[i % COLOURS.length],
        width: 1.5,
        dash: name.startsWith("any") ? "solid" : "dot",
      },
      marker: { size: 5 },
      hovertemplate: `<b>${name}</b> %{x}<br>%{y:.4f}<extra></extra>`,
    })),
    layout: layout({
      xaxis: axis("", { tickangle: -60 }),
      yaxis: axis("relative error of the output", { type: "log" }),
      margin: { l: 64, r: 24, t: 16, b: 90 },
    }),
  };
}
