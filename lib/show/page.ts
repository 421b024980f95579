/**
 * A page with plots: one HTML file with everything inside, to be opened without a network or a server.
 *
 * @module
 */
import plotly from "plotly.js-cartesian-dist-min/plotly-cartesian.min.js" with { type: "text" };
import style from "./report.css" with { type: "text" };
import script from "./report_page.js" with { type: "text" };
import type { Figure, FigureSize } from "./figure.ts";
import { figureSvg } from "./figure_svg.ts";
import { escapeHtml } from "../escape_html.ts";
import { inlineScript, scriptJson } from "./html.ts";

/** Nothing is loaded from anywhere, even if a text got past the escaping. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:";
/** Pixels that the figures are laid out for: a telephone, a screen. */
const [NARROW, WIDE] = [340, 960];

/** A plot on a page. */
export interface Plot {
  /** Tells it from the page's other plots. */
  readonly id: string;
  /** What it is about, as text. */
  readonly title: string;
  /** What to see in it, as text. */
  readonly caption: string;
  /** Lays it out for some width. */
  readonly draw: (size: FigureSize) => Figure;
}

/** What a page is made of. */
export interface Page {
  /** Its title, as text. */
  readonly title: string;
  /** What stands in a line below it, as texts. */
  readonly facts: readonly string[];
  /** What follows, as HTML; {@linkcode plotHtml} says where plots stand. */
  readonly body: readonly string[];
  /** The plots in it. */
  readonly plots: readonly Plot[];
}

/** The page, about 1.8 MB: plotly, which draws the plots, is inside. */
export function pageHtml({ title, facts, body, plots }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escapeHtml(title)}</title>
<style>
${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="facts">${facts.map((fact) => `<span>${escapeHtml(fact)}</span>`).join("")}</p>
${body.join("\n")}
</main>
<script type="application/json" id="figures">${figuresJson(plots)}</script>
<script>${inlineScript(plotly)}</script>
<script>${inlineScript(script)}</script>
</body>
</html>
`;
}

/** A plot's place in a page, below its title. */
export function plotHtml({ id, title, caption, draw }: Plot): string {
  return `<h2>${escapeHtml(title)}</h2>
<figure>
<figcaption>${escapeHtml(caption)}</figcaption>
<div class="plot" id="${id}" role="img" aria-label="${escapeHtml(`Plot: ${title}. ${caption}`)}"></div>
<noscript>${figureSvg(draw({ width: WIDE }), { width: WIDE, title })}</noscript>
</figure>`;
}

/** Terms and what they mean, as texts. */
export function definitions(entries: readonly (readonly [string, string])[]): string {
  const lines = entries.map(([term, text]) => `<dt>${escapeHtml(term)}</dt><dd>${escapeHtml(text)}</dd>`);
  return `<dl>${lines.join("\n")}</dl>`;
}

/** The figures for the page's script. */
function figuresJson(plots: readonly Plot[]): string {
  const figures = plots.map(({ id, draw }) => [
    id,
    { narrow: draw({ width: NARROW }), wide: draw({ width: WIDE }) },
  ]);
  return scriptJson(Object.fromEntries(figures));
}
