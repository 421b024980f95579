/**
 * The choice of outliers, weights that codes would stand for worst and that are kept in 16 bits beside them (SqueezeLLM, Kim
 * and others 2023; SpQR, Dettmers and others 2023).
 *
 * @module
 */
import type { Matrix } from "../matrix/matrix.ts";
import { MOST_OUTLIER_COLUMNS, type Outliers } from "../matrix/outliers.ts";
import { dequantizeRows, type PackedMatrix } from "../matrix/packed_matrix.ts";
import { OptionError } from "../errors.ts";

/** Standard deviations from a group's mean to which weights are cut before it is seen what codes cannot stand for. */
const CUT = 2.5;

/** The largest part of a matrix that may be outliers: more would take more bits than another code bit. */
const MOST = 0.05;

/** A matrix without outliers, and where they were. */
export interface SplitMatrix {
  /** The matrix with its group's mean where outliers were. */
  readonly rest: Matrix;
  /** Their places, row · cols + column, ascending. */
  readonly places: Uint32Array;
}

/**
 * Checks how many outliers are asked for.
 *
 * @throws {OptionError} when the part is out of range, or columns are too many to be counted in 16 bits.
 */
export function checkOutliers(part: number, { cols, name }: { cols: number; name: string }): void {
  if (!(part >= 0 && part <= MOST)) {
    throw new OptionError(
      `Cannot keep outliers: outliers must be a part of all weights from 0 to ${MOST}, current value is ${part}`,
    );
  }
  if (part > 0 && cols > MOST_OUTLIER_COLUMNS) {
    throw new OptionError(
      `Cannot keep outliers of ${name}: ${MOST_OUTLIER_COLUMNS} columns at most have them, it has ${cols}`,
    );
  }
}

/**
 * Takes out of a matrix the weights with the largest error, weighted by column, of a first quantization whose groups are
 * scaled to all but their farthest weights.
 *
 * @param options.part of all weights, from 0 to 1.
 * @param options.columnWeights [cols]; all 1 when absent.
 * @param options.quantize the first quantization.
 */
export function splitOutliers(
  matrix: Matrix,
  options: {
    part: number;
    groupSize: number;
    columnWeights?: ArrayLike<number>;
    quantize: (matrix: Matrix) => PackedMatrix;
  },
): SplitMatrix {
  const { rows, cols, data } = matrix;
  const { part, groupSize, columnWeights } = options;
  const first = options.quantize({ rows, cols, data: cut(matrix, groupSize) });
  const errors = new Float64Array(data.length);
  const row = new Float32Array(cols);
  const codes = new Uint8Array(cols);
  for (let r = 0; r < rows; r++) {
    dequantizeRows(first, { from: r, to: r + 1, codes }, row);
    for (let c = 0; c < cols; c++) {
      errors[r * cols + c] = (columnWeights?.[c] ?? 1) * (data[r * cols + c]! - row[c]!) ** 2;
    }
  }
  const places = largest(errors, Math.round(part * data.length));
  return { rest: { rows, cols, data: without(matrix, places, groupSize) }, places };
}

/** The outliers that make a packed matrix have its weights where they were taken out. */
export function outliersOf(matrix: Matrix, packed: PackedMatrix, places: Uint32Array): Outliers {
  const { rows, cols, data } = matrix;
  const starts = new Uint32Array(rows + 1);
  const columns = Uint16Array.from(places, (place) => place % cols);
  const values = new Float32Array(places.length);
  const row = new Float32Array(cols);
  const codes = new Uint8Array(cols);
  for (let r = 0, i = 0; r < rows; r++) {
    if (i < places.length && places[i]! < (r + 1) * cols) {
      dequantizeRows(packed, { from: r, to: r + 1, codes }, row);
    }
    for (; i < places.length && places[i]! < (r + 1) * cols; i++) {
      const value = data[places[i]!]! - row[columns[i]!]!;
      values[i] = Math.f16round(Math.min(Math.max(value, -65504), 65504));
    }
    starts[r + 1] = i;
  }
  return { starts, columns, values };
}

/** Calls for each group of a row with its first place and the place behind its last. */
function eachGroup(
  { rows, cols }: Matrix,
  groupSize: number,
  visit: (from: number, to: number) => void,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c += groupSize) visit(r * cols + c, r * cols + Math.min(c + groupSize, cols));
  }
}

/** Weights cut to some standard deviations from their group's mean. */
function cut(matrix: Matrix, groupSize: number): Float32Array {
  const data = matrix.data.slice();
  eachGroup(matrix, groupSize, (from, to) => {
    let [sum, squares] = [0, 0];
    for (let at = from; at < to; at++) [sum, squares] = [sum + data[at]!, squares + data[at]! ** 2];
    const mean = sum / (to - from);
    const reach = CUT * Math.sqrt(Math.max(0, squares / (to - from) - mean ** 2));
    for (let at = from; at < to; at++) data[at] = Math.min(Math.max(data[at]!, mean - reach), mean + reach);
  });
  return data;
}

/** Weights with the mean of their group's others in some places. */
function without(matrix: Matrix, places: Uint32Array, groupSize: number): Float32Array {
  const data = matrix.data.slice();
  let next = 0;
  eachGroup(matrix, groupSize, (from, to) => {
    const first = next;
    while (next < places.length && places[next]! < to) next++;
    if (next === first) return;
    let sum = 0;
    for (let at = from; at < to; at++) sum += data[at]!;
    for (let i = first; i < next; i++) sum -= data[places[i]!]!;
    const others = to - from - (next - first);
    for (let i = first; i < next; i++) data[places[i]!] = others === 0 ? 0 : sum / others;
  });
  return data;
}

/** The places of the `count` largest numbers, ascending; of equal ones the first. */
function largest(numbers: Float64Array, count: number): Uint32Array {
  const sorted = numbers.slice().sort();
  const least = sorted[numbers.length - count] ?? Infinity;
  let equal = count;
  for (let i = numbers.length - 1; i >= 0 && sorted[i]! > least; i--) equal--;
  const places = new Uint32Array(count);
  let n = 0;
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i]! > least || (numbers[i] === least && equal-- > 0)) places[n++] = i;
  }
  return places;
}
