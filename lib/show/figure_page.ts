/**
 * A figure as an HTML page, for use outside of notebooks.
 *
 * @module
 */
import { plotly } from "./plotly.ts";
import type { Figure } from "./figure.ts";
import { display } from "../display.ts";
import { escapeHtml } from "../escape_html.ts";
import { inlineScript, scriptJson } from "./html.ts";

/** Returns the page, about 1.5 MB. It contains plotly and loads nothing. */
export function figurePage(figure: Figure): string {
  const { "application/vnd.plotly.v1+json": drawn, "text/plain": name } = figure[display]();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(name)}</title>
</head>
<body>
<div id="figure"></div>
<script type="application/json" id="data">${scriptJson(drawn)}</script>
<script>${inlineScript(plotly)}</script>
<script>
const { data, layout, frames, config } = JSON.parse(document.getElementById("data").textContent);
Plotly.newPlot("figure", { data, layout, frames, config: { ...config, responsive: true } });
</script>
</body>
</html>
`;
}
