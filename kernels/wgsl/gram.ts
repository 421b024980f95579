/**
 * Sums of outer products, for the Hessians of linears.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import type { Kernel } from "./kernel.ts";
import { outerProducts, termType, tilesOf } from "./outer_products.ts";

/**
 * sum += xᵀ x: tiles on and above the diagonal, each written a second time as its mirror, so that an element is one
 * invocation's.
 *
 * Bindings: sum [cols, cols], x [tokens, cols], step.
 */
export function gram({ cols }: { cols: number }): Kernel {
  const tiles = tilesOf(cols);
  const x = { array: "x", values: cols };
  return outerProducts({
    name: `gram ${cols}`,
    workgroups: () => [tiles, tiles, 1],
    declare: bindings({ sum: "array<f32>", x: termType(cols), step: "Step" }),
    terms: "step.tokens",
    left: x,
    right: x,
    begin: "if (wid.x < wid.y) { return; }",
    write: (value) =>
      `let value = sum[r * ${cols}u + c] + ${value};
      sum[r * ${cols}u + c] = value;
      if (wid.x > wid.y) { sum[c * ${cols}u + r] = value; }`,
  });
}
