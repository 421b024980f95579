/**
 * An input of Linears that is scaled: what that makes of their weights, and of what gives it.
 *
 * @module
 */
import type { Matrix } from "../matrix/matrix.ts";
import type { Fold } from "../model/decoder/folds.ts";

/** What is done to an input, and to the Linears that take it. */
export interface ScaledInput {
  /** [cols] what columns are multiplied by, and what gives them divided. */
  readonly scales: Float64Array;
  /** The largest size of weights, by the tensors' names, where they are clipped. */
  readonly limits: ReadonlyMap<string, GroupLimits>;
}

/** The largest size of each group's weights, [rows, groups]. */
export interface GroupLimits {
  /** Columns of a group. */
  readonly groupSize: number;
  /** The sizes. */
  readonly values: Float32Array;
}

/** What a fold makes of a tensor that takes its input, or gives it. */
export function changed(matrix: Matrix, by: { name: string; fold: Fold; scaled: ScaledInput }): Matrix {
  const { name, fold: { takers, givers, rowOf }, scaled: { scales, limits } } = by;
  if (takers.some(({ weight }) => weight.name === name)) {
    const taken = scaledColumns(matrix, scales);
    const limit = limits.get(name);
    return limit ? clampedTo(taken, limit) : taken;
  }
  const { rows, cols } = matrix;
  const data = Float32Array.from(matrix.data);
  const byRow = new Map(Array.from(rowOf, (row, c) => [row, scales[c]!]));
  for (const { place, offset, from } of givers) {
    if (place.name !== name) continue;
    const width = place.vector ? 1 : cols;
    for (const [row, scale] of byRow) {
      for (let i = (from + row) * width; i < (from + row + 1) * width; i++) {
        data[i] = (data[i]! + offset) / scale - offset;
      }
    }
  }
  return { rows, cols, data };
}

/** A matrix whose columns are multiplied by scales. */
export function scaledColumns({ rows, cols, data }: Matrix, scales: Float64Array): Matrix {
  const scaled = new Float32Array(rows * cols);
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++, at++) scaled[at] = data[at]! * scales[c]!;
  }
  return { rows, cols, data: scaled };
}

/** Visits the groups of a matrix: the number of each, and where its weights are. */
export function eachGroup(
  { rows, cols }: { rows: number; cols: number },
  groupSize: number,
  visit: (group: number, from: number, to: number) => void,
): void {
  for (let r = 0, group = 0; r < rows; r++) {
    for (let from = r * cols, end = from + cols; from < end; from += groupSize, group++) {
      visit(group, from, Math.min(from + groupSize, end));
    }
  }
}

/** A matrix with each weight brought to at most its group's limit. */
export function clampedTo({ rows, cols, data }: Matrix, { groupSize, values }: GroupLimits): Matrix {
  const clamped = new Float32Array(data.length);
  eachGroup({ rows, cols }, groupSize, (group, from, to) => {
    const limit = values[group]!;
    for (let at = from; at < to; at++) clamped[at] = Math.max(-limit, Math.min(limit, data[at]!));
  });
  return { rows, cols, data: clamped };
}
