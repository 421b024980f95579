/**
 * The page of `deno task analyze`: what weights of Linears look like, before and after.
 *
 * @module
 */
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { scaledRow } from "../measure/code_stats.ts";
import { matrixRows } from "../matrix/matrix_rows.ts";
import { heatMap } from "./heat_map.ts";
import { histogramPlot } from "./histogram_plot.ts";
import { pageHtml, type Plot, plotHtml } from "./page.ts";

/** A Linear on the page. */
export interface AnalyzedLinear {
  /** Its module name. */
  readonly linear: string;
  /** Its weights as they are. */
  readonly weights: Matrix;
  /** The same in a format. */
  readonly packed?: PackedMatrix;
  /** What there is to say of it. */
  readonly facts: string;
}

/**
 * Draws a histogram and a surface of each Linear's weights, and with a format one row in the units of its codebook.
 *
 * @param options.row the row; the first when absent.
 * @returns the page, about 1.5 MB and 0.2 MB for each Linear, which contains plotly.
 *
 * @example
 * ```ts
 * import { analysisHtml } from "any4/show";
 * import { assertStringIncludes } from "@std/assert";
 * const weights = { rows: 2, cols: 3, data: Float32Array.of(-1, 0, 1, 2, 0.5, -2) };
 * const html = analysisHtml([{ linear: "mlp.up_proj", weights, facts: "2×3" }], { title: "Weights" });
 * assertStringIncludes(html, "<h1>Weights</h1>");
 * ```
 */
export function analysisHtml(
  linears: readonly AnalyzedLinear[],
  { title, row = 0 }: { title: string; row?: number },
): string {
  const plots = linears.flatMap((one, at): Plot[] => {
    const { linear, weights, packed, facts } = one;
    const plot = (id: string, title: string, rest: Omit<Plot, "id" | "title">): Plot => (
      { id: `${id}-${at}`, title: `${linear}: ${title}`, ...rest }
    );
    const scaled = packed && scaledRow(matrixRows(weights, [row]).data, row, packed);
    return [
      plot("histogram", "weights", {
        caption: facts,
        draw: (size) => histogramPlot(weights.data, [], size),
      }),
      plot("surface", "surface", {
        caption: "Of the weights that a cell stands for, it shows the one of the largest magnitude.",
        draw: (size) => heatMap(weights, { ...size, x: "column", y: "row", value: "weight" }),
      }),
      ...scaled
        ? [plot("row", `row ${row}`, {
          caption: `Its weights in the units of their groups, and the values that codes of ${
            packed!.format
          } stand for.`,
          draw: (size) =>
            histogramPlot(scaled.weights, [{ name: packed!.format, values: scaled.codebook }], {
              ...size,
              x: "scaled weight",
            }),
        })]
        : [],
    ];
  });
  return pageHtml({ title, facts: [], body: plots.map(plotHtml), plots });
}
