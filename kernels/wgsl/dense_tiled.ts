/**
 * Dense weights and many tokens.
 *
 * @module
 */
import { activations, activationsType, bindings, type Element } from "./bindings.ts";
import { type DenseShape, weights, weightsType } from "./dense.ts";
import type { Kernel } from "./kernel.ts";
import { tileKernel } from "./tile.ts";

/**
 * Tiles of 64 tokens by 64 rows (tile.ts), any number of tokens. Bindings: dense.ts, then the step. With the element
 * f16, tiles and products are halves and sums are singles.
 */
export function denseTiled(shape: DenseShape, { element = "f32" }: { element?: Element } = {}): Kernel {
  const { rows, cols, dtype } = shape;
  return tileKernel(shape, {
    name: `dense tiled ${rows}×${cols} ${dtype} ${element}`,
    declare: `${
      bindings({
        out: "array<f32>",
        x: activationsType(cols),
        weights: weightsType(shape),
        ...(shape.bias ? { bias: "array<f32>" } : {}),
        step: "Step",
      })
    }
${activations(cols)}
${weights(shape)}`,
    // Beyond the last column, another row's values would be multiplied by activations that are 0: infinities must not.
    stage: `let w = load8(r, min(c, ${Math.floor((cols - 1) / 8) * 8}u)); let wa = w.a; let wb = w.b;`,
    element,
  });
}
