/**
 * The report of `start`: one self-contained HTML page.
 *
 * @module
 */
import plotly from "plotly.js-basic-dist-min/plotly-basic.min.js" with { type: "text" };
import { histogramPlot, kindsPlot, layerErrorPlot, paretoPlot } from "./plots.ts";

/** What one format costs. */
export interface ReportRow {
  /** The format's name. */
  format: string;
  /** Bits of a code. */
  bits: number;
  /** Columns that share a scale. */
  groupSize: number;
  /** Stored bits per weight, everything counted. */
  bitsPerWeight: number;
  /** Bytes of the whole model. */
  bytes: number;
  /** Perplexity over all text. */
  perplexity: number;
  /** Perplexity of each kind of text. */
  kinds: Record<string, number>;
  /** KL divergence from the original, nats a token. */
  kl: number;
  /** Share of tokens whose likeliest next token is the original's. */
  top1: number;
  /** Mean relative error of the Linears' outputs. */
  layerError: number;
  /** Seconds to quantize. */
  seconds: number;
  /** Whether its tables are learned. */
  learned: boolean;
}

/** All that the page shows. */
export interface Report {
  title: string;
  model: { name: string; parameters: number; dtype: string; bytes: number; tokens: number };
  baseline: { perplexity: number; bitsPerWeight: number; bytes: number; kinds: Record<string, number> };
  rows: ReportRow[];
  histogram: { layer: string; values: ArrayLike<number>; formats: { name: string; values: number[] }[] };
  layers: { names: string[]; series: { name: string; errors: number[] }[] };
  samples: { prompt: string; outputs: { name: string; text: string }[] };
  seconds: number;
  settings: Record<string, string>;
}

/** Text as HTML shows it. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (char) => names[char]!);
}

/** JSON that can stand inside a script element. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

const STYLE = `
:root { color-scheme: light; font: 16px/1.5 system-ui, sans-serif; color: #1d2733; background: #fff }
body { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem }
h2 { font-size: 1.15rem; margin: 2.6rem 0 .4rem }
.facts, .note { color: #5b6875; margin: .2rem 0 }
.point { font-size: 1.1rem; margin: 1.2rem 0 }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; width: 100% }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #e3e8ee; white-space: nowrap }
th { color: #5b6875; font-weight: 600 } th:first-child, td:first-child { text-align: left }
tr.learned td:first-child { color: #b0410b; font-weight: 600 }
.plot { height: 26rem } .tall { height: 34rem }
.samples { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem }
.samples article { background: #f5f7f9; border-radius: .5rem; padding: .8rem 1rem }
.samples h3 { margin: 0 0 .3rem; font-size: .95rem } .samples p { white-space: pre-wrap; margin: 0; font-size: .92rem }
.prompt { color: #5b6875 }
dt { font-weight: 600 } dd { margin: 0 0 .5rem }
`;

const number = (value: number, digits = 4) =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)
    ? value.toExponential(2)
    : value.toPrecision(digits);
const megabytes = (bytes: number) => `${(bytes / 1e6).toPrecision(3)} MB`;

function resultsTable(report: Report): string {
  const kinds = Object.keys(report.baseline.kinds);
  const shown = kinds.length > 1 ? kinds : [];
  const { baseline, model, rows } = report;
  const line = (cells: string[], learned = false) =>
    `<tr${learned ? ' class="learned"' : ""}>${
      cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")
    }</tr>`;
  const titles = [
    "format",
    "bits/weight",
    "size",
    "perplexity",
    ...shown,
    "KL",
    "top-1",
    "layer error",
    "seconds",
  ];
  const first = [`original (${model.dtype})`, baseline.bitsPerWeight.toFixed(2), megabytes(baseline.bytes)]
    .concat(
      number(baseline.perplexity),
      shown.map((kind) => number(baseline.kinds[kind]!)),
      "0",
      "100 %",
      "0",
      "",
    );
  const lines = rows.map((row) =>
    line(
      [row.format, row.bitsPerWeight.toFixed(2), megabytes(row.bytes), number(row.perplexity)].concat(
        shown.map((kind) => number(row.kinds[kind]!)),
        number(row.kl),
        `${(100 * row.top1).toFixed(1)} %`,
        number(row.layerError, 3),
        row.seconds.toFixed(1),
      ),
      row.learned,
    )
  );
  const head = titles.map((title) => `<th>${escapeHtml(title)}</th>`).join("");
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${line(first)}${
    lines.join("")
  }</tbody></table></div>`;
}

/** The sentence that says what the numbers show: the best learned format beside the best fixed one of as many bits. */
function headline({ rows, baseline }: Report): string {
  const best = (bits: number, learned: boolean) =>
    rows.filter((row) => row.bits === bits && row.learned === learned).sort((a, b) =>
      a.perplexity - b.perplexity
    )[0];
  const parts = [4, 3, 2].flatMap((bits) => {
    const [learned, fixed] = [best(bits, true), best(bits, false)];
    if (!learned || !fixed) return [];
    return `at ${bits} bits ${learned.format} has ${number(learned.perplexity)}, ${fixed.format} ${
      number(fixed.perplexity)
    }`;
  });
  const original = `The original's perplexity is ${number(baseline.perplexity)}`;
  return parts.length > 0 ? `${original}; ${parts.join("; ")}.` : `${original}.`;
}

/** The page of a report. Everything is inside: it opens offline. */
export function reportHtml(report: Report): string {
  const { model, samples, settings } = report;
  const plots: [string, string, { data: unknown[]; layout: unknown }][] = [
    ["What a bit buys", "plot", paretoPlot(report.rows, report.baseline)],
    ["Kinds of text", "plot", kindsPlot(report.rows, report.baseline.kinds)],
    [`Weights and the values of each format`, "tall", histogramPlot(report.histogram)],
    ["The error of each layer's output", "plot", layerErrorPlot(report.layers)],
  ];
  const figures = plots.map(([title, size], i) =>
    `<h2>${escapeHtml(title)}</h2>${
      i === 2 ? `<p class="note">${escapeHtml(report.histogram.layer)}</p>` : ""
    }` +
    `<div class="plot ${size}" id="plot${i}"></div>`
  );
  const outputs = samples.outputs.map(({ name, text }) =>
    `<article><h3>${escapeHtml(name)}</h3><p><span class="prompt">${escapeHtml(samples.prompt)}</span>${
      escapeHtml(text)
    }</p></article>`
  );
  const facts = [`${model.parameters.toLocaleString("en")} weights in ${model.dtype}`, megabytes(model.bytes)]
    .concat(`${model.tokens.toLocaleString("en")} tokens measured`)
    .concat(Object.entries(settings).map(([name, value]) => `${name}: ${value}`));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(report.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(report.title)}</h1>
<p class="facts">${escapeHtml(facts.join(" · "))}</p>
<p class="point">${escapeHtml(headline(report))}</p>
${resultsTable(report)}
${figures.join("\n")}
<h2>How they go on</h2>
<div class="samples">${outputs.join("")}</div>
<h2>What the numbers are</h2>
<dl>
<dt>bits/weight</dt><dd>All bits stored for the quantized matrices (codes, scales, zeros, tables), divided by their weights.</dd>
<dt>perplexity</dt><dd>e to the mean negative log-likelihood of the text's tokens; lower is better.</dd>
<dt>KL</dt><dd>Mean divergence, in nats a token, of the format's predictions from the original's.</dd>
<dt>top-1</dt><dd>Share of tokens for which both find the same next token likeliest.</dd>
<dt>layer error</dt><dd>‖XŴᵀ − XWᵀ‖ / ‖XWᵀ‖ on the original's activations, averaged over the Linears.</dd>
</dl>
<script>${plotly.replaceAll("</script", "<\\/script")}</script>
<script>
const plots = ${scriptJson(plots.map(([, , figure]) => figure))};
plots.forEach(({ data, layout }, i) => Plotly.newPlot("plot" + i, data, layout, { responsive: true, displaylogo: false }));
</script>
</body>
</html>
`;
}
