/**
 * What a store has of a layer.
 *
 * @module
 */
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { type Layout, linearNames, tensorsOfLayer } from "../model/decoder/layout.ts";
import type { DoneLinear } from "./quantize_linear.ts";
import type { Store } from "./store.ts";

/** A Linear that is done, tuned where it was. */
export function doneLinear(store: Store, linear: string): DoneLinear | undefined {
  return store.get("tuned", linear) ?? store.get("linear", linear);
}

/**
 * The tensors of a layer that are done, by name: its Linears, and norms and biases that were tuned.
 *
 * @param options.tuned false: as they were before they were tuned.
 */
export function doneOfLayer(
  { layout }: { layout: Layout },
  store: Store,
  options: { layer: number; tuned?: boolean },
): Map<string, Matrix | PackedMatrix> {
  const { layer, tuned = true } = options;
  const done = new Map<string, Matrix | PackedMatrix>();
  for (const linear of linearNames(layout, layer)) {
    const found = tuned ? doneLinear(store, linear) : store.get("linear", linear);
    if (found) done.set(`${linear}.weight`, found.packed);
  }
  if (!tuned) return done;
  for (const { name } of tensorsOfLayer(layout, layer)) {
    const vector = store.get("vector", name);
    if (vector) done.set(name, vector);
  }
  return done;
}
