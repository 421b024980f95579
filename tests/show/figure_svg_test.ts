import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { figureSvg } from "../../lib/show/figure_svg.ts";
import { escapeHtml } from "../../lib/escape_html.ts";
import { paretoPlot } from "../../lib/show/pareto_plot.ts";
import { HOSTILE, report, rows } from "./sample_report.ts";

Deno.test("figureSvg() writes a well-formed picture with every label and follows the colour scheme", () => {
  const svg = figureSvg(paretoPlot(rows, { baseline: report.baseline }), { width: 700, title: HOSTILE });
  const open: string[] = [];
  for (const [, end, name] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*)?>/g)) {
    if (end === "") open.push(name!);
    else assertEquals(open.pop(), name);
  }
  assertEquals(open, []);
  assert(!/NaN|Infinity|undefined/.test(svg.replace(/<title>.*?<\/title>/, "")));
  for (const { format } of rows) assertStringIncludes(svg, format);
  assertStringIncludes(svg, `<title>${escapeHtml(HOSTILE)}</title>`);
  assertStringIncludes(svg, "prefers-color-scheme:dark");
});
