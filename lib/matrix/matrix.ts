/**
 * The dense matrix of the library.
 *
 * @module
 */
import { TensorError } from "../errors.ts";
import type { DType } from "./dtype.ts";

/**
 * A dense matrix, row by row. Weights are [out_features, in_features], as in Hugging Face checkpoints.
 * A vector (a norm's weight, a bias) has one row.
 */
export interface Matrix {
  /** Number of rows (out_features). */
  readonly rows: number;
  /** Number of columns (in_features). */
  readonly cols: number;
  /**
   * rows · cols values, row-major. Do not change them: they can be a view of memory that threads share. Read the property
   * once: matrices of stored values convert them at each read.
   */
  readonly data: Float32Array;
  /** How the checkpoint stores it; F32 when absent. Only sizes and saving look at it. */
  readonly dtype?: DType;
}

/**
 * Checks that a matrix has whole, non-negative sizes and as many values.
 *
 * @throws {TensorError} when the sizes and the data disagree.
 */
export function checkMatrix(matrix: Matrix, name = "matrix"): void {
  const { rows, cols, data } = matrix;
  for (const [side, size] of [["rows", rows], ["cols", cols]] as const) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new TensorError(
        `Cannot use ${name}: ${side} must be a whole number of at least 1, current value is ${size}`,
      );
    }
  }
  if (data.length !== rows * cols) {
    throw new TensorError(
      `Cannot use ${name}: ${rows}×${cols} needs ${rows * cols} values, it holds ${data.length}`,
    );
  }
}

/** The transpose of a matrix. */
export function transposed(matrix: Matrix): Matrix {
  const { rows, cols, data } = matrix;
  const turned = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) turned[c * rows + r] = data[r * cols + c]!;
  }
  return { ...matrix, rows: cols, cols: rows, data: turned };
}

/**
 * Features of heads from pairs that turn together, (2i, 2i + 1), to halves: i and i + head / 2.
 *
 * @param data `outputs` rows, or as many numbers of a vector.
 * @param options `head`: features of a head; `back`: the other way.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const halves = toHalves(Float32Array.of(0, 1, 2, 3), { outputs: 4, head: 4 });
 * assertEquals(halves, Float32Array.of(0, 2, 1, 3));
 * ```
 */
export function toHalves(
  data: Float32Array,
  options: { outputs: number; head: number; back?: boolean },
): Float32Array {
  const { outputs, head, back } = options;
  const width = data.length / outputs;
  const out = new Float32Array(data.length);
  for (let to = 0; to < outputs; to++) {
    const inHead = to % head;
    const pair = 2 * (inHead % (head / 2)) + Math.floor(inHead / (head / 2));
    const from = to - inHead + pair;
    const [source, target] = back ? [to, from] : [from, to];
    out.set(data.subarray(source * width, (source + 1) * width), target * width);
  }
  return out;
}
