/**
 * A page with plots: one self-contained HTML file that opens without a network or a server.
 *
 * @module
 */
import { plotly } from "./plotly.ts";
import style from "./report.css" with { type: "text" };
import script from "./report_page.js" with { type: "text" };
import type { Figure, FigureSize } from "./figure.ts";
import { figureSvg } from "./figure_svg.ts";
import { escapeHtml } from "../escape_html.ts";
import { inlineScript, scriptJson } from "./html.ts";

/** Forbids loading anything, as a second guard behind the escaping of texts. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:";
/** Widths for which figures are laid out, in pixels: a phone, a screen. */
const [NARROW, WIDE] = [340, 960];

/** A plot on a page. */
export interface Plot {
  /** Its id, unique on the page. */
  readonly id: string;
  /** Its title, as text. */
  readonly title: string;
  /** Its explanation, as text. */
  readonly caption: string;
  /** Makes the figure for a width. */
  readonly draw: (size: FigureSize) => Figure;
}

/** The parts of a page. */
export interface Page {
  /** Its title, as text. */
  readonly title: string;
  /** The texts in the line below the title. */
  readonly facts: readonly string[];
  /** The rest, as HTML; {@linkcode plotHtml} marks the places of plots. */
  readonly body: readonly string[];
  /** The plots in it. */
  readonly plots: readonly Plot[];
}

/** Returns the page, about 1.8 MB, which contains plotly. */
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

/** The place of a plot on a page, below its title. */
export function plotHtml({ id, title, caption, draw }: Plot): string {
  return `<h2>${escapeHtml(title)}</h2>
<figure>
<figcaption>${escapeHtml(caption)}</figcaption>
<div class="plot" id="${id}" role="img" aria-label="${escapeHtml(`Plot: ${title}. ${caption}`)}"></div>
<noscript>${figureSvg(draw({ width: WIDE }), { width: WIDE, title })}</noscript>
</figure>`;
}

/** A list of terms and their values, as texts. */
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
