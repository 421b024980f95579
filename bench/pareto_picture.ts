/**
 * Draws the README's picture, bits per weight against perplexity, from what `start --json` prints:
 *
 * ```sh
 * npx -y deno@2.9.6 task start --json | npx -y deno@2.9.6 run bench/pareto_picture.ts > .github/pareto.svg
 * ```
 *
 * @module
 */
import { figureSvg } from "../lib/show/figure_svg.ts";
import { paretoPlot } from "../lib/show/pareto_plot.ts";
import type { ReportBaseline, ReportRow } from "../lib/show/report_data.ts";

interface Results {
  readonly model: string;
  readonly baseline: ReportBaseline;
  readonly rows: readonly ReportRow[];
}

const { model, baseline, rows }: Results = await new Response(Deno.stdin.readable).json();
const width = 800;
// JSON writes NaN and infinity as null.
const known = rows.map((row) => ({ ...row, perplexity: row.perplexity ?? NaN }));
console.log(figureSvg(paretoPlot(known, { baseline, width }), {
  width,
  title: `Bits per weight against perplexity for every number format on ${model}`,
}));
