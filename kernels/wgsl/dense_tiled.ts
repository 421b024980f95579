/**
 * Dense weights and many tokens.
 *
 * @module
 */
import { activations, activationsType, bindings } from "./bindings.ts";
import { type DenseShape, weights, weightsType } from "./dense.ts";
import type { Kernel } from "./kernel.ts";
import { tileKernel, type TileOptions } from "./tile.ts";

/**
 * Tiles of 64 or 16 tokens by 64 rows (tile.ts), any number of tokens. Bindings: dense.ts, then the step. With the
 * element f16, what is staged and products are halves, and sums are singles.
 */
export function denseTiled(shape: DenseShape, options: TileOptions = {}): Kernel {
  const { cols, dtype } = shape;
  const declare = `${
    bindings({
      out: "array<f32>",
      x: activationsType(cols),
      weights: weightsType(shape),
      ...(shape.bias ? { bias: "array<f32>" } : {}),
      step: "Step",
    })
  }
${activations(cols)}
${weights(shape)}`;
  // Activations beyond the last column are 0, and there the last weights do as well as any.
  const last = Math.floor((cols - 1) / 8) * 8;
  const stage = () => `let w = load8(r, min(c, ${last}u)); let wa = w.a; let wb = w.b;`;
  return tileKernel(shape, { name: `dense tiled ${dtype}`, declare, stage }, options);
}
