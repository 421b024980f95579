/**
 * A matrix at a glance.
 *
 * @module
 */
import { codebookAt } from "../matrix/codebooks.ts";
import { bytesOf } from "../matrix/dtype.ts";
import type { Matrix } from "../matrix/matrix.ts";
import {
  dequantizeRows,
  isPacked,
  packedBitsPerWeight,
  type PackedMatrix,
  storedBytes,
} from "../matrix/packed_matrix.ts";
import { display, type View, view } from "../display.ts";
import { histogramPlot } from "./histogram_plot.ts";
import { figureSvg } from "./figure_svg.ts";
import { pictureHtml } from "./html.ts";
import { neutralColor } from "./palette.ts";
import { recordsView } from "./table_view.ts";
import { count, decimal, size } from "../terminal/units.ts";

/**
 * Shows a matrix's format, shape, bits per weight and size, and a histogram of its first row. For a packed matrix, it also
 * shows the row's values for the first group of columns.
 *
 * @example
 * ```ts
 * import { quantize, show } from "any4";
 * import { display, matrixSummary } from "any4/show";
 * import { assertStringIncludes } from "@std/assert";
 * const matrix = { rows: 2, cols: 64, data: Float32Array.from({ length: 128 }, (_, i) => Math.sin(i * i)) };
 * const summary = matrixSummary(quantize(matrix, { format: "any3", groupSize: 32 }));
 * assertStringIncludes(summary[display]()["text/plain"], "any3");
 * await show(summary);
 * ```
 */
export function matrixSummary(matrix: Matrix | PackedMatrix): View {
  const { rows, cols } = matrix;
  const packed = isPacked(matrix);
  const dense = packed ? undefined : matrix.dtype ?? "F32";
  const facts = {
    format: packed ? matrix.format : dense,
    rows: count(rows),
    columns: count(cols),
    ...(packed ? { "group size": matrix.groupSize } : {}),
    "bits per weight": packed ? decimal(packedBitsPerWeight(matrix), 3) : 8 * bytesOf(dense!),
    size: size(storedBytes(matrix)),
  };
  const { "text/plain": text, "text/html": html } = recordsView([facts])[display]();
  return view({
    "text/plain": text,
    "text/html": `${html}\n${pictureHtml(rowPicture(matrix), "The first row's weights")}`,
  });
}

/** The first row's weights, and the values of its first group. */
function rowPicture(matrix: Matrix | PackedMatrix): string {
  const width = 560;
  if (!isPacked(matrix)) {
    const plot = histogramPlot(matrix.data.subarray(0, matrix.cols), [], { width });
    return figureSvg(plot, { width, ink: neutralColor });
  }
  const row = new Float32Array(matrix.cols);
  dequantizeRows(matrix, { from: 0, to: 1 }, row);
  const [scale, zero] = [matrix.scales[0]!, matrix.zeros?.[0] ?? 0];
  const values = matrix.codebook.subarray(codebookAt(matrix, 0)).subarray(0, 2 ** matrix.bits).map((value) =>
    scale * value + zero
  );
  const group = row.subarray(0, Math.min(matrix.groupSize, matrix.cols));
  return figureSvg(histogramPlot(group, [{ name: matrix.format, values }], { width }), {
    width,
    ink: neutralColor,
  });
}
