/**
 * The slow steps of quantization: learning codebooks, and rounding to them.
 *
 * @module
 */
import { codebookRounding, type CodebookType } from "../matrix/codebook_type.ts";
import { type Rounding, roundTo } from "../matrix/rounding.ts";
import { codebookAt, isShared } from "../matrix/codebooks.ts";
import { packRow, wordsPerRow } from "../matrix/packing.ts";
import { factorize } from "./cholesky.ts";
import { ExactKMeans } from "./exact_kmeans.ts";
import type { FactoredHessian } from "./hessian.ts";
import type { Learner } from "./learner.ts";
import { Nearest } from "./nearest.ts";
import { roundByHessian } from "./round_by_hessian.ts";
import { descend, type DescentOptions, normals } from "./row_descent.ts";
import type { Solution, Tables } from "./tables.ts";
import type { ScaledMatrix } from "./scaled_row.ts";
import { PlainSquaredErrors, type SquaredErrors } from "./squared_errors.ts";

export type { ScaledMatrix, Tables };

/** Options of learning codebooks. */
export interface LearnOptions {
  /** Bits of a code: a codebook has 2^bits values. */
  readonly bits: number;
  /** How many codebooks: one for each row, one for the whole matrix, or something between. */
  readonly tables: number;
  /** [rows] which codebook each row has; by their places when absent, see lib/matrix/codebooks.ts. */
  readonly codebookRows?: Uint8Array;
  /** [cols] importance of each column; all 1 when absent. */
  readonly columnWeights?: ArrayLike<number>;
  /** The power of the group's scale that multiplies a column's weight. */
  readonly scalePower: number;
  /** The type that codebooks are rounded to. */
  readonly type: CodebookType;
}

/** The slow steps. All implementations give identical bits. */
export interface QuantizeSteps {
  /** Learns the codebooks of a matrix by exact k-means, [tables, 2^bits]. */
  learn(scaled: ScaledMatrix, options: LearnOptions): Float32Array;
  /** Rounds a matrix to codebooks; returns packed codes. */
  round(scaled: ScaledMatrix, tables: Tables): Uint32Array;
  /** Factors A = Lᵀ L in place; see {@linkcode factorize} of cholesky.ts. */
  factorize(a: Float64Array, n: number): boolean;
  /** Rounds a matrix column by column, each making up for the errors of those before it (GPTQ); returns packed codes. */
  roundByHessian(scaled: ScaledMatrix, tables: Tables, hessian: FactoredHessian): Uint32Array;
  /** Improves codebooks, codes and scales in turns against a Hessian (LNQ); returns new ones. */
  descend(scaled: ScaledMatrix, start: Tables & Solution, options: DescentOptions): Solution;
  /** What each row says of its codebook by least squares: {@linkcode RowDescent.normals} of all, [rows, 2^bits, 2^bits + 1]. */
  normals(scaled: ScaledMatrix, at: Tables & Solution, hessian: Float32Array): Float64Array;
  /** Finds squared errors of outputs by H, [cols, cols]; these alone may differ in bits, where products are float32. */
  squaredErrors(hessian: Float32Array, groupSize: number): SquaredErrors;
}

/** Writes the scaled weights of a row to scaled[at …]. */
function scaleRow(from: ScaledMatrix, row: number, to: { scaled: Float64Array; at: number }): void {
  const { matrix: { cols, data }, groupSize, scales, zeros } = from;
  const { scaled, at } = to;
  let group = row * Math.ceil(cols / groupSize);
  for (let start = 0; start < cols; start += groupSize, group++) {
    const scale = scales[group]!;
    const zero = zeros === null ? 0 : zeros[group]!;
    const end = Math.min(start + groupSize, cols);
    for (let c = start; c < end; c++) {
      scaled[at + c] = scale === 0 ? 0 : (data[row * cols + c]! - zero) / scale;
    }
  }
}

/** Learns the codebooks of one matrix, one at a time. */
export class TableLearner {
  readonly #scaled: ScaledMatrix;
  readonly #options: LearnOptions;
  readonly #learner: Learner;
  /** The rows of each codebook that it is learned from. */
  readonly #rows: readonly (readonly number[])[];
  readonly #values: Float64Array;
  readonly #weights: Float64Array;
  readonly #centroids: Float64Array;
  readonly #rounding: Rounding;

  /** Allocates buffers. */
  constructor(scaled: ScaledMatrix, options: LearnOptions & { learner?: Learner }) {
    const { rows, cols } = scaled.matrix;
    const k = 2 ** options.bits;
    this.#scaled = scaled;
    this.#options = options;
    this.#learner = options.learner ?? new ExactKMeans(k);
    this.#rows = rowsOfTables({ rows, cols }, options);
    const most = this.#rows.reduce((most, { length }) => Math.max(most, length), 0);
    this.#values = new Float64Array(most * cols);
    this.#weights = new Float64Array(most * cols);
    this.#centroids = new Float64Array(k);
    this.#rounding = codebookRounding(options.type, options.bits);
  }

  /** Learns codebook t and writes it to its place in `codebook`; one that no row has stays. */
  learn(t: number, codebook: Float32Array): void {
    const { matrix: { cols }, groupSize, scales } = this.#scaled;
    const { columnWeights, scalePower } = this.#options;
    const groups = Math.ceil(cols / groupSize);
    const own = this.#rows[t]!;
    if (own.length === 0) return;
    for (const [i, row] of own.entries()) {
      scaleRow(this.#scaled, row, { scaled: this.#values, at: i * cols });
      for (let c = 0; c < cols; c++) {
        const scale = scales[row * groups + Math.floor(c / groupSize)]!;
        this.#weights[i * cols + c] = (columnWeights?.[c] ?? 1) * scale ** scalePower;
      }
    }
    const count = own.length * cols;
    this.#learner.fit(this.#values.subarray(0, count), this.#weights.subarray(0, count), this.#centroids);
    this.#centroids.forEach((value, i) => {
      codebook[t * this.#centroids.length + i] = roundTo(this.#rounding, value);
    });
  }
}

/** Weights that a codebook is learned from at most: of more, rows at even distances tell as much. */
const MOST_WEIGHTS = 1 << 20;

function rowsOfTables(
  { rows, cols }: { rows: number; cols: number },
  { bits, tables, codebookRows }: Pick<LearnOptions, "bits" | "tables" | "codebookRows">,
): number[][] {
  const all: number[][] = Array.from({ length: tables }, () => []);
  const codebook = { length: tables << bits } as Float32Array;
  for (let row = 0; row < rows; row++) {
    all[codebookAt({ bits, rows, codebook, codebookRows }, row) >> bits]!.push(row);
  }
  const most = Math.max(1, Math.floor(MOST_WEIGHTS / cols));
  return all.map((own) => {
    if (own.length <= most) return own;
    return Array.from({ length: most }, (_, i) => own[Math.floor(i * own.length / most)]!);
  });
}

/** Learns the codebooks of a matrix on this thread, exactly when no learner is given. */
export function learnTables(
  scaled: ScaledMatrix,
  options: LearnOptions & { learner?: Learner },
): Float32Array {
  const { tables } = options;
  const codebook = new Float32Array(tables * 2 ** options.bits);
  const learner = new TableLearner(scaled, options);
  for (let t = 0; t < tables; t++) learner.learn(t, codebook);
  return codebook;
}

/** The steps in plain TypeScript, on this thread. */
export const plainSteps: QuantizeSteps = {
  learn: learnTables,

  round(scaled, tables) {
    const { rows, cols } = scaled.matrix;
    const { codebook, bits } = tables;
    const codes = new Uint32Array(rows * wordsPerRow(cols, bits));
    const size = 2 ** bits;
    const nearest = new Nearest(size);
    const values = new Float64Array(cols);
    const rowCodes = new Uint8Array(cols);
    for (let r = 0; r < rows; r++) {
      if (r === 0 || !isShared(tables)) nearest.load(codebook, codebookAt({ rows, ...tables }, r), size);
      scaleRow(scaled, r, { scaled: values, at: 0 });
      for (let c = 0; c < cols; c++) rowCodes[c] = nearest.code(values[c]!);
      packRow(rowCodes, { bits, cols, row: r }, codes);
    }
    return codes;
  },

  factorize,
  roundByHessian,
  descend,
  normals,
  squaredErrors: (hessian, groupSize) => new PlainSquaredErrors(hessian, groupSize),
};
