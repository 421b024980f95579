/**
 * The way back of columns that were taken.
 *
 * @module
 */
import { type ColumnsShape, sourceColumn } from "./columns.ts";
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";

/**
 * What `columns` took is added where it came from: piece n of g[t], `width` columns, to dx[t] from column `from + n · stride`
 * on.
 *
 * Bindings: dx [tokens, cols], g [tokens, outCols], step. A thread a value of g.
 */
export function columnsGradient(shape: ColumnsShape): Kernel {
  const { outCols, cols } = shape;
  return elementwise({
    name: `columns_gradient ${outCols} of ${cols}`,
    types: { dx: "array<f32>", g: "array<f32>" },
    perToken: outCols,
    body: `${sourceColumn(shape)}
  dx[token * ${cols}u + source] += g[at];`,
  });
}
