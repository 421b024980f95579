/**
 * What every backend checks before it computes.
 *
 * @module
 */
import { TensorError } from "../errors.ts";
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
 * Checks that a cache holds so many tokens.
 *
 * @throws {TensorError} when they are more.
 */
export function checkRoom(cache: KvCache, tokens: number): void {
  if (tokens > cache.capacity) {
    throw new TensorError(`Cannot attend to ${tokens} tokens: the KV cache holds ${cache.capacity}`);
  }
}
