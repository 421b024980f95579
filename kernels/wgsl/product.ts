/**
 * Products of activations or gradients, added up.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import type { Kernel } from "./kernel.ts";
import { outerProducts, termType, tilesOf } from "./outer_products.ts";

/** The sizes of a product that do not change with the number of tokens. */
export interface ProductShape {
  /** Columns of a. */
  readonly cols: number;
  /** Columns of b. */
  readonly outCols: number;
  /** Whether a is turned. */
  readonly turned: boolean;
}

/**
 * sum += a · b, of [tokens, cols] and [cols, outCols]; `turned`, sum += aᵀ · b, of [tokens, cols] and [tokens, outCols].
 *
 * Bindings: sum [tokens or cols, outCols], a, b, step.
 */
export function product({ cols, outCols, turned }: ProductShape): Kernel {
  return outerProducts({
    name: `product ${cols} × ${outCols}${turned ? ", turned" : ""}`,
    workgroups: (tokens) => [tilesOf(outCols), tilesOf(turned ? cols : tokens), 1],
    declare: bindings({
      sum: "array<f32>",
      a: turned ? termType(cols) : "array<f32>",
      b: termType(outCols),
      step: "Step",
    }),
    terms: turned ? "step.tokens" : `${cols}u`,
    // The terms of a · b are columns of a.
    left: { array: "a", values: turned ? cols : "turned" },
    right: { array: "b", values: outCols },
    write: (value) => `sum[r * ${outCols}u + c] += ${value};`,
  });
}
