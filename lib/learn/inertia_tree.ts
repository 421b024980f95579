/**
 * The inertia of any run of sorted points, without cancellation.
 *
 * @module
 */
import type { SortedPoints } from "./sorted_points.ts";

/**
 * A segment tree of clusters that are joined by the parallel variance formula (Chan, Golub and LeVeque 1979): its terms
 * are all positive, so inertias keep a relative precision of about 2^-50 however small they are. A query takes
 * logarithmic time. It is for the rare points whose best clustering leaves so little inertia that prefix sums lose it.
 */
export class InertiaTree {
  /** Leaves: a power of two. */
  #size = 0;
  /** [2 · size, 4] by node: weight, least value, mean less that value, inertia. */
  #nodes = new Float64Array(0);
  /** The cluster that a query puts together, laid out as a node is. */
  readonly #gathered = new Float64Array(4);

  /** Takes the points. */
  load(points: SortedPoints): void {
    const { count, values, weights } = points;
    const size = this.#size = 2 ** Math.ceil(Math.log2(count));
    if (this.#nodes.length < 8 * size) this.#nodes = new Float64Array(8 * size);
    const nodes = this.#nodes.fill(0);
    for (let i = 0; i < count; i++) {
      nodes[4 * (size + i)] = weights[i]!;
      nodes[4 * (size + i) + 1] = values[i]!;
    }
    for (let node = size - 1; node > 0; node--) {
      nodes.copyWithin(4 * node, 8 * node, 8 * node + 4);
      this.#append(nodes, 4 * node, 8 * node + 4);
    }
  }

  /** Σ w (v − mean)² of the points [from, to), from < to. */
  inertia(from: number, to: number): number {
    const size = this.#size;
    const gathered = this.#gathered;
    for (let at = from; at < to;) {
      // The largest node that starts here and does not pass `to`.
      const start = at | size;
      const height = 31 - Math.max(Math.clz32(start & -start), Math.clz32(to - at));
      const node = 4 * ((size + at) >> height);
      if (at === from) { for (let part = 0; part < 4; part++) gathered[part] = this.#nodes[node + part]!; }
      else this.#append(gathered, 0, node);
      at += 1 << height;
    }
    return gathered[3]!;
  }

  /** Joins the node at `right` to the cluster at `left` of `into`, whose values lie below. */
  #append(into: Float64Array, left: number, right: number): void {
    const nodes = this.#nodes;
    const added = nodes[right]!;
    if (added === 0) return;
    // Means are kept from each cluster's least value, so that a narrow cluster far from 0 keeps its digits.
    const apart = (nodes[right + 1]! - into[left + 1]! - into[left + 2]!) + nodes[right + 2]!;
    const weight = into[left]! + added;
    const shift = apart * (added / weight);
    into[left + 3] = into[left + 3]! + nodes[right + 3]! + into[left]! * apart * shift;
    into[left + 2] = into[left + 2]! + shift;
    into[left] = weight;
  }
}
