/**
 * The report: one self-contained HTML page that opens without a network or a server.
 *
 * @module
 */
import { histogramPlot } from "./histogram_plot.ts";
import { escapeHtml } from "../escape_html.ts";
import { kindsPlot } from "./kinds_plot.ts";
import { layerErrorPlot } from "./layer_error_plot.ts";
import { definitions, pageHtml, type Plot, plotHtml } from "./page.ts";
import { rowsOfEqualBits } from "./equal_bits.ts";
import { klPlot } from "./kl_plot.ts";
import type { Report, ReportRow } from "./report_data.ts";
import { resultsHtml } from "./results_table.ts";
import { count, measured, size } from "../terminal/units.ts";

/**
 * Renders the report as an HTML page.
 *
 * @param report the numbers and texts; texts are escaped.
 * @returns the page, about 1.8 MB, which contains plotly.
 *
 * @example
 * ```ts
 * import { reportHtml } from "any4/show";
 * import { assert } from "@std/assert";
 * const html = reportHtml({
 *   title: "What any4 costs",
 *   model: { name: "tinyworld", parameters: 3_410_176, dtype: "BF16", bytes: 6_820_352, tokens: 2000 },
 *   baseline: { perplexity: 3, bitsPerWeight: 16, bytes: 6_820_352, kinds: {} },
 *   rows: [],
 *   histogram: { layer: "", values: [], formats: [] },
 *   layers: { names: [], series: [] },
 *   samples: { prompt: "", outputs: [] },
 *   settings: { backend: "plain" },
 * });
 * assert(html.startsWith("<!doctype html>"));
 * ```
 */
export function reportHtml(report: Report): string {
  const { model, samples } = report;
  const plots = plotsOf(report);
  const facts = [
    model.name,
    `${count(model.parameters)} parameters`,
    `${model.dtype}, ${size(model.bytes)}`,
    `measured on ${count(model.tokens)} tokens`,
  ];
  return pageHtml({
    title: report.title,
    facts,
    body: [
      headline(report),
      resultsHtml(report),
      ...plots.map(plotHtml),
      samples.outputs.length === 0 ? "" : samplesHtml(samples),
      "<h2>How it was measured</h2>",
      definitions(Object.entries(report.settings)),
      "<h2>What the numbers mean</h2>",
      definitions(MEANINGS),
    ],
    plots,
  });
}

/** One sentence for each number of bits at which learned and fixed formats can be compared, with the best of each. */
function headline({ rows, baseline }: Report): string {
  const cost = (row: ReportRow) =>
    `<b>${escapeHtml(row.name ?? row.format)}</b> ${measured(row.kl, row.klStderr)} at ${
      row.bitsPerWeight.toFixed(2)
    } bits`;
  const lines = rowsOfEqualBits(rows).flatMap((set) => {
    const best = (learned: boolean) =>
      set.filter((row) => row.learned === learned && !Number.isNaN(row.kl)).sort((a, b) => a.kl - b.kl)[0];
    const [learned, fixed] = [best(true), best(false)];
    return learned && fixed ? [`<li>${set[0]!.bits}-bit codes: ${cost(learned)}, ${cost(fixed)}</li>`] : [];
  });
  const original = `The original’s perplexity is ${
    measured(baseline.perplexity, baseline.perplexityStderr)
  }.`;
  if (lines.length === 0) return `<p>${original}</p>`;
  return `<p>${original} KL to it, in nats a token, of the best learned and the best fixed format at about equal bits:</p>
<ul class="headline">${lines.join("")}</ul>`;
}

function plotsOf({ rows, baseline, histogram, layers }: Report): Plot[] {
  const plots: Plot[] = [];
  // One row speaks for each format where group sizes are not the question.
  const usual = [...Map.groupBy(rows, ({ format }) => format).values()].map((members) =>
    members.find(({ groupSize }) => groupSize === 128) ?? members[0]!
  );
  if (rows.length > 0) {
    plots.push({
      id: "kl",
      title: "Size against quality",
      caption:
        "Lower and further left is better. Each line is one format with groups of several sizes: smaller " +
        "groups cost bits. KL is the divergence from the original’s predictions, on a logarithmic scale.",
      draw: (size) => klPlot(rows, size),
    });
  }
  if (rows.length > 0 && Object.keys(baseline.kinds).length > 1) {
    plots.push({
      id: "kinds",
      title: "Kinds of text",
      caption:
        "Perplexity against the original’s on the same text; the scale is logarithmic in the increase.",
      draw: (size) => kindsPlot(usual, { baseline, ...size }),
    });
  }
  if (layers.series.length > 0) {
    plots.push({
      id: "layers",
      title: "The error of each layer",
      caption: "Relative error of each layer’s output when the original’s input is given to it. " +
        "Solid lines have 4 bits, dashed ones 3, dotted ones 2.",
      draw: (size) => layerErrorPlot(layers.names, layers.series, size),
    });
  }
  if (histogram.values.length > 0) {
    plots.push({
      id: "histogram",
      title: "Weights and the values of each format",
      caption:
        `${histogram.layer}: how the weights are distributed, and below them the values that each format ` +
        "can give to a weight there.",
      draw: (size) => histogramPlot(histogram.values, histogram.formats, size),
    });
  }
  return plots;
}

/** One column per model: the prompt in grey, and the part that agrees with the original underlined. */
function samplesHtml({ prompt, outputs }: Report["samples"]): string {
  const original = outputs[0]!.text;
  const articles = outputs.map(({ name, text }, i) => {
    const same = i === 0 ? 0 : sharedWords(text, original);
    return `<article><h3>${escapeHtml(name)}</h3>
<p><span class="prompt">${escapeHtml(prompt)}</span><span class="same">${
      escapeHtml(text.slice(0, same))
    }</span>${escapeHtml(text.slice(same))}</p></article>`;
  });
  return `<h2>How they go on</h2>
<p class="note">The likeliest token each time; what begins as the original did is underlined.</p>
<div class="samples">${articles.join("\n")}</div>`;
}

/** The length of the common start of two texts, up to the end of a word. */
function sharedWords(a: string, b: string): number {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  return a === b ? same : Math.max(a.lastIndexOf(" ", same), 0);
}

const MEANINGS: readonly [string, string][] = [
  [
    "perplexity",
    "e to the mean negative logarithm of the probability that the model gives to each next token, over the same " +
    "tokens for every format. Lower is better; 1 would be certainty.",
  ],
  [
    "KL",
    "Kullback–Leibler divergence in nats a token: the mean of Σ p · ln(p / q) over the vocabulary, p being the " +
    "original’s probabilities of the next token and q the format’s. 0 means the same predictions.",
  ],
  ["top-1", "How often both hold the same next token for the likeliest."],
  [
    "layer error",
    "‖XŴᵀ − XWᵀ‖ / ‖XWᵀ‖: what quantizing the weights W of one layer to Ŵ does to its output, X being what the " +
    "original feeds it. The table has the mean over the layers.",
  ],
  [
    "bits/weight",
    "All bits stored for the quantized matrices (codes, scales, zeros, codebooks), divided by the number of their " +
    "weights. The size also counts what is not quantized.",
  ],
  [
    "any4:128, any4:row",
    "The columns of a row that share a scale: each 128, or all. Smaller groups are more exact and cost more bits.",
  ],
  [
    "learned, fixed",
    "A learned format chooses the values that a code may stand for from the weights themselves, for each row. A " +
    "fixed format has the same values everywhere, up to scale.",
  ],
  [
    "±",
    "One standard error, over windows of at most 256 tokens. All formats are measured on the same tokens, so that " +
    "their differences are surer than that.",
  ],
  ["time", "What it took to quantize the model, measuring not counted."],
];
