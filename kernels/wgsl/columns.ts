/**
 * Parts of what a fused Linear gives, and the way back.
 *
 * @module
 */
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";

/** The columns to copy. */
export interface ColumnsShape {
  /** Columns of out, a multiple of `width`. */
  readonly outCols: number;
  /** Columns of x. */
  readonly cols: number;
  /** x's first column that is taken. */
  readonly from: number;
  /** Columns side by side. */
  readonly width: number;
  /** From the beginning of a piece in x to the next one's. */
  readonly stride: number;
}

/** WGSL of the `token` of the value `at` of what is taken, and the column of x that is its `source`. */
function sourceColumn({ outCols, from, width, stride }: ColumnsShape): string {
  return `let token = at / ${outCols}u;
  let column = at % ${outCols}u;
  let source = ${from}u + column / ${width}u * ${stride}u + column % ${width}u;`;
}

/**
 * Piece n of out[t], `width` columns, is x[t] from column `from + n · stride` on.
 *
 * Bindings: out [tokens, outCols], x [tokens, cols], step. A thread a value.
 */
export function columns(shape: ColumnsShape): Kernel {
  const { outCols, cols } = shape;
  return elementwise({
    name: `columns ${outCols} of ${cols}`,
    types: { out: "array<f32>", x: "array<f32>" },
    perToken: outCols,
    body: `${sourceColumn(shape)}
  out[at] = x[token * ${cols}u + source];`,
  });
}

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
