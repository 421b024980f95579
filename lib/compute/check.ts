/**
 * Checks of arguments, shared by all backends.
 *
 * @module
 */
import { DisposedError, TensorError } from "../errors.ts";
import type { KvCache, Tensor, Weight } from "./backend.ts";

/**
 * Checks that a table has a row for each token.
 *
 * @throws {TensorError} when it has none for one of them.
 */
export function checkIds(ids: ArrayLike<number>, table: Weight): void {
  for (let t = 0; t < ids.length; t++) {
    const id = ids[t]!;
    if (!(id >= 0 && id < table.rows)) {
      throw new TensorError(`Cannot embed token ${id}: the vocabulary has ${table.rows}`);
    }
  }
}

/**
 * Checks that x · weightᵀ can be computed and fits out.
 *
 * @throws {TensorError} when their sizes disagree.
 */
export function checkLinear(out: Tensor, x: Tensor, weight: Weight): void {
  const { rows, cols } = weight;
  if (x.cols !== cols || out.cols !== rows || out.rows !== x.rows) {
    throw new TensorError(
      `Cannot multiply [${x.rows}, ${x.cols}] by [${rows}, ${cols}]ᵀ into [${out.rows}, ${out.cols}]`,
    );
  }
}

/**
 * Checks that values fill a tensor.
 *
 * @throws {TensorError} when they are more or fewer.
 */
export function checkValues({ rows, cols }: Tensor, values: Float32Array): void {
  if (values.length !== rows * cols) {
    throw new TensorError(`Cannot write ${values.length} values to a tensor of [${rows}, ${cols}]`);
  }
}

/**
 * Checks that xᵀ x can be added to a sum.
 *
 * @throws {TensorError} when their sizes disagree.
 */
export function checkGram(sum: Tensor, x: Tensor): void {
  if (sum.rows !== x.cols || sum.cols !== x.cols) {
    throw new TensorError(
      `Cannot add xᵀ x of x [${x.rows}, ${x.cols}] to [${sum.rows}, ${sum.cols}]: expected [${x.cols}, ${x.cols}]`,
    );
  }
}

/** A cache of any backend; once it is freed, it has no layers. */
interface Layers<Layer> extends KvCache {
  readonly layers: readonly Layer[];
}

/**
 * A layer of a cache that is to hold so many tokens.
 *
 * @throws {TensorError} when they are more than it can hold.
 * @throws {DisposedError} when it has been freed.
 */
export function layerOf<Layer>(
  cache: Layers<Layer>,
  { layer, tokens }: { layer: number; tokens: number },
): Layer {
  if (tokens > cache.capacity) {
    throw new TensorError(`Cannot attend to ${tokens} tokens: the KV cache holds ${cache.capacity}`);
  }
  const found = cache.layers[layer];
  if (!found) throw new DisposedError(`Cannot attend in layer ${layer}: the KV cache has been freed`);
  return found;
}
