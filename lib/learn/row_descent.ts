/**
 * One row's table, codes and scales, improved in turns against a Hessian.
 *
 * @module
 */
import { packRow, unpackRow } from "../matrix/packing.ts";
import { factorize, solveFactored } from "./cholesky.ts";
import { dot } from "./dot.ts";
import { Nearest } from "./nearest.ts";
import { byteSteps } from "../matrix/byte_scales.ts";
import { codebookAt } from "../matrix/codebooks.ts";
import { codebookRounding, type CodebookType } from "../matrix/codebook_type.ts";
import type { ScaleType } from "../matrix/packed_matrix.ts";
import { bytesOfStep, HALVES, type Rounding, roundTo, SINGLES } from "../matrix/rounding.ts";
import { type ScaledMatrix, ScaledRow } from "./scaled_row.ts";
import type { Solution, Tables } from "./tables.ts";

/** Options of {@linkcode descend}. */
export interface DescentOptions {
  /** [cols, cols] H, symmetric in every bit, its diagonal positive. */
  readonly hessian: Float32Array;
  /** Whether tables are changed too: there must be one for each row. */
  readonly refits: boolean;
  /** The type that tables are rounded to. */
  readonly type: CodebookType;
  /** The type that scales and zeros are rounded to, if they are changed too. */
  readonly scaleType?: ScaleType;
  /** Rounds of table, scales and codes at most. */
  readonly rounds: number;
  /** Sweeps over the columns in each at most. */
  readonly sweeps: number;
}

/** How the scales and zeros of groups are rounded. */
export interface ScaleSteps {
  /** [rows, groups] what scales and zeros are multiples of; 0 where they are halves or singles. */
  readonly scales: Float64Array;
  readonly zeros: Float64Array;
  /** Whether they are halves where that is 0. */
  readonly half: boolean;
}

/** The steps of scales and zeros of a type; undefined for powers of two, which are left as they are. */
export function scaleSteps(
  { matrix: { rows }, scales, zeros }: ScaledMatrix,
  type?: ScaleType,
): ScaleSteps | undefined {
  if (type === undefined || type === "e8m0") return undefined;
  const shape = { rows, groups: scales.length / rows };
  const steps = (numbers: Float32Array | null, signed: boolean) =>
    type === "int8" && numbers ? byteSteps(numbers, { ...shape, signed }) : new Float64Array(scales.length);
  return { scales: steps(scales, false), zeros: steps(zeros, true), half: type === "f16" };
}

/** Improves tables, scales and codes in turns, row by row. No step makes a row's error larger. */
export function descend(
  scaled: ScaledMatrix,
  start: Tables & Solution,
  options: DescentOptions,
): Solution {
  const { matrix: { rows, cols } } = scaled;
  const { bits } = start;
  const { refits, rounds, sweeps } = options;
  const [codebook, codes] = [start.codebook.slice(), start.codes.slice()];
  const [scales, zeros] = [scaled.scales.slice(), scaled.zeros && scaled.zeros.slice()];
  const descent = new RowDescent({ ...scaled, scales, zeros }, { ...options, bits });
  for (let r = 0; r < rows; r++) {
    unpackRow(codes, { bits, cols, row: r }, descent.codes);
    const at = codebookAt({ rows, ...start }, r);
    descent.begin(r, codebook.subarray(at, at + (1 << bits)));
    for (let round = 0; round < rounds; round++) {
      const before = descent.error;
      if (refits) descent.refit();
      descent.rescale();
      for (let sweep = 0; sweep < sweeps && descent.sweep() > 0; sweep++);
      if (descent.error === before) break;
    }
    if (refits) codebook.set(descent.table, at);
    packRow(descent.codes, { bits, cols, row: r }, codes);
  }
  return { codebook, codes, scales, zeros };
}

/** What each row says of its codebook: {@linkcode RowDescent.normals} of all rows. */
export function normals(scaled: ScaledMatrix, at: Tables & Solution, hessian: Float32Array): Float64Array {
  const { matrix: { rows, cols } } = scaled;
  const { bits, codebook, codes } = at;
  const size = (1 << bits) * ((1 << bits) + 1);
  const all = new Float64Array(rows * size);
  const descent = new RowDescent(scaled, { hessian, bits, type: "f32" });
  for (let r = 0; r < rows; r++) {
    unpackRow(codes, { bits, cols, row: r }, descent.codes);
    descent.begin(r, codebook.subarray(codebookAt({ rows, ...at }, r)).subarray(0, 1 << bits));
    all.set(descent.normals(), r * size);
  }
  return all;
}

/**
 * The change of a table that makes f least by the normal equations, N Δ = −slope, rounded to the table's type.
 *
 * @param normals [2^bits, 2^bits] N, then [2^bits] slopes.
 * @returns the steps of the entries, and how much they change f; undefined where they would not make it smaller.
 */
export function tableStep(
  normals: Float64Array,
  { table, rounding }: { table: Float32Array; rounding: Rounding },
): { steps: Float64Array; change: number } | undefined {
  const size = table.length;
  const factor = normals.slice(0, size * size);
  const slope = normals.subarray(size * size);
  // A ridge for what the sample does not tell apart; an entry that no code uses has a row of zeros, and stays.
  for (let k = 0; k < size; k++) factor[k * size + k]! += 1e-7 * normals[k * size + k]! || 1;
  if (!factorize(factor, size)) return undefined;
  const steps = slope.map((value) => -value);
  solveFactored(factor, size, steps);
  for (let k = 0; k < size; k++) steps[k] = roundTo(rounding, table[k]! + steps[k]!) - table[k]!;
  let change = 0;
  for (let k = 0; k < size; k++) {
    let curve = 0;
    for (let l = 0; l < size; l++) curve += normals[k * size + l]! * steps[l]!;
    change += steps[k]! * (2 * slope[k]! + curve);
  }
  return change < 0 ? { steps, change } : undefined;
}

/**
 * The error f = dᵀ H d of a row, d = ŵ − w, made smaller by changing its table, its codes or its scales. H d is kept up to
 * date: a code that changes costs one addition of a row of H.
 */
export class RowDescent {
  /** [cols] the row's codes; filled by the caller before {@linkcode RowDescent.begin}. */
  readonly codes: Uint8Array;
  /** [2^bits] the row's table. */
  readonly table: Float32Array;
  /** f. */
  error = 0;
  readonly #row: ScaledRow;
  readonly #hessian: Float32Array;
  readonly #rounding: Rounding;
  readonly #scaled: ScaledMatrix;
  readonly #steps?: ScaleSteps;
  #number = 0;
  readonly #nearest: Nearest;
  /** [cols] d and H d. */
  readonly #differences: Float64Array;
  readonly #gradient: Float64Array;
  /** [cols] H times a direction. */
  readonly #sums: Float64Array;
  /** [2^bits, cols] (H S)ᵀ, where S has the column's scale at (column, its code). */
  readonly #spread: Float64Array;
  /** [2^bits + 2] where the columns of each code begin in what follows. */
  readonly #starts: Uint32Array;
  /** [cols] the columns by their codes, and their scales. */
  readonly #sorted: Uint32Array;
  readonly #factors: Float64Array;
  readonly #normals: Float64Array;

  /**
   * @param scaled the matrix whose rows come; its scales and zeros are changed by {@linkcode RowDescent.rescale}.
   * @param options.hessian [cols, cols] H, symmetric, its diagonal positive.
   * @param options.type the type that tables are rounded to.
   * @param options.scaleType the type that scales are rounded to, if they are changed.
   */
  constructor(
    scaled: ScaledMatrix,
    options: Pick<DescentOptions, "hessian" | "type" | "scaleType"> & { bits: number },
  ) {
    const { cols } = scaled.matrix;
    const size = 2 ** options.bits;
    this.codes = new Uint8Array(cols);
    this.table = new Float32Array(size);
    this.#row = new ScaledRow(scaled);
    this.#hessian = options.hessian;
    this.#rounding = codebookRounding(options.type, options.bits);
    this.#scaled = scaled;
    this.#steps = scaleSteps(scaled, options.scaleType);
    this.#nearest = new Nearest(size);
    this.#differences = new Float64Array(cols);
    this.#gradient = new Float64Array(cols);
    this.#sums = new Float64Array(cols);
    this.#spread = new Float64Array(cols * size);
    this.#starts = new Uint32Array(size + 2);
    this.#sorted = new Uint32Array(cols);
    this.#factors = new Float64Array(cols);
    this.#normals = new Float64Array(size * (size + 1));
  }

  /** Takes row r, its table and the codes that are in {@linkcode RowDescent.codes}. */
  begin(r: number, table: Float32Array): void {
    const { codes } = this;
    const cols = codes.length;
    const [row, d, g] = [this.#row, this.#differences, this.#gradient];
    this.#number = r;
    row.load(r);
    this.table.set(table);
    this.#nearest.load(this.table, 0, this.table.length);
    for (let c = 0; c < cols; c++) d[c] = this.#value(c, codes[c]!) - row.weights[c]!;
    for (let c = 0; c < cols; c++) g[c] = dot(this.#hessian, c * cols, { vector: d, n: cols });
    this.error = d.reduce((sum, value, c) => sum + value * g[c]!, 0);
  }

  /** What a code stands for in column c. */
  #value(c: number, code: number): number {
    return this.#row.scales[c]! * this.table[code]! + this.#row.zeros[c]!;
  }

  /**
   * Gives each column in turn the code that makes f least while all others stay.
   *
   * @returns how many codes changed.
   */
  sweep(): number {
    const { codes } = this;
    const cols = codes.length;
    const [row, d, g, h] = [this.#row, this.#differences, this.#gradient, this.#hessian];
    let changed = 0;
    for (let c = 0; c < cols; c++) {
      const own = h[c * cols + c]!;
      const best = row.weights[c]! + d[c]! - g[c]! / own;
      const code = row.code(this.#nearest, best, c);
      if (code === codes[c]) continue;
      const difference = this.#value(c, code) - row.weights[c]!;
      const step = difference - d[c]!;
      const gain = step * (2 * g[c]! + step * own);
      // A tie, or a code of the same value, stays: what changes has made f smaller, so this ends.
      if (!(gain < 0)) continue;
      codes[c] = code;
      d[c] = difference;
      addRow(g, h, { row: c, by: step });
      this.error += gain;
      changed++;
    }
    return changed;
  }

  /**
   * Sets each group's scale, and then its zero, to what makes f least while all else stays, rounded to its type. What that does
   * not make smaller stays, and so does a scale that would not be positive.
   */
  rescale(): void {
    if (!this.#steps) return;
    const { scales, zeros, groupSize } = this.#scaled;
    const { codes, table } = this;
    const cols = codes.length;
    const groups = Math.ceil(cols / groupSize);
    for (let g = 0; g < groups; g++) {
      const [at, from] = [this.#number * groups + g, g * groupSize];
      const to = Math.min(from + groupSize, cols);
      const scale = roundingOf(this.#steps.scales[at]!, { ...this.#steps, signed: false });
      this.#shift({ from, to }, (c) => table[codes[c]!]!, (step) => {
        const next = roundTo(scale, scales[at]! + step);
        return next > 0 && next < Infinity ? next - scales[at]! : 0;
      }, (step) => {
        scales[at]! += step;
        this.#row.scales.fill(scales[at]!, from, to);
      });
      if (!zeros) continue;
      const zero = roundingOf(this.#steps.zeros[at]!, { ...this.#steps, signed: true });
      this.#shift({ from, to }, () => 1, (step) => {
        const next = roundTo(zero, zeros[at]! + step);
        return Math.abs(next) < Infinity ? next - zeros[at]! : 0;
      }, (step) => {
        zeros[at]! += step;
        this.#row.zeros.fill(zeros[at]!, from, to);
      });
    }
  }

  /**
   * Moves the columns of a group along a direction as far as makes f least.
   *
   * @param rounded the step that can be made instead of one.
   * @param make makes a step.
   */
  #shift(
    { from, to }: { from: number; to: number },
    direction: (c: number) => number,
    rounded: (step: number) => number,
    make: (step: number) => void,
  ): void {
    const [row, d, g, sums] = [this.#row, this.#differences, this.#gradient, this.#sums.fill(0)];
    for (let c = from; c < to; c++) addRow(sums, this.#hessian, { row: c, by: direction(c) });
    let [slope, curve] = [0, 0];
    for (let c = from; c < to; c++) {
      slope += direction(c) * g[c]!;
      curve += direction(c) * sums[c]!;
    }
    if (!(curve > 0)) return;
    const step = rounded(-slope / curve);
    const gain = step * (2 * slope + step * curve);
    if (!(gain < 0)) return;
    make(step);
    for (let c = from; c < to; c++) d[c] = this.#value(c, this.codes[c]!) - row.weights[c]!;
    for (let c = 0; c < g.length; c++) g[c]! += step * sums[c]!;
    this.error += gain;
  }

  /** Lists the columns by their codes, and their scales. */
  #sortByCode(): void {
    const { codes } = this;
    const starts = this.#starts.fill(0);
    for (const code of codes) starts[code + 2]!++;
    for (let k = 2; k < starts.length; k++) starts[k]! += starts[k - 1]!;
    // starts[code + 1] is where the next column of the code goes, and in the end where the next code's begin.
    codes.forEach((code, c) => {
      const n = starts[code + 1]!++;
      this.#sorted[n] = c;
      this.#factors[n] = this.#row.scales[c]!;
    });
  }

  /**
   * What the codes say of the table: [2^bits, 2^bits] Sᵀ H S, then [2^bits] Sᵀ H d. The array is filled anew by each call.
   */
  normals(): Float64Array {
    const { codes, table } = this;
    const [cols, size] = [codes.length, table.length];
    const [row, g, h, spread] = [this.#row, this.#gradient, this.#hessian, this.#spread.fill(0)];
    this.#sortByCode();
    const [starts, sorted, factors] = [this.#starts, this.#sorted, this.#factors];
    for (let k = 0; k < size; k++) {
      const sums = spread.subarray(k * cols, (k + 1) * cols);
      for (let n = starts[k]!; n < starts[k + 1]!; n++) addRow(sums, h, { row: sorted[n]!, by: factors[n]! });
    }
    const normals = this.#normals.fill(0);
    for (let i = 0; i < cols; i++) {
      const scale = row.scales[i]!;
      const to = codes[i]! * size;
      for (let k = 0; k < size; k++) normals[to + k]! += scale * spread[k * cols + i]!;
      normals[size * size + codes[i]!]! += scale * g[i]!;
    }
    return normals;
  }

  /**
   * Sets the table to the one that makes f least for these codes, rounded to its type. Entries that no code uses stay.
   *
   * @returns whether that made f smaller; if not, the table stays what it was.
   */
  refit(): boolean {
    const { codes, table } = this;
    const [cols, size] = [codes.length, table.length];
    const [row, d, g, spread] = [this.#row, this.#differences, this.#gradient, this.#spread];
    const found = tableStep(this.normals(), { table, rounding: this.#rounding });
    if (!found) return false;
    const { steps, change } = found;
    for (let k = 0; k < size; k++) table[k]! += steps[k]!;
    this.#nearest.load(table, 0, size);
    for (let i = 0; i < cols; i++) {
      d[i] = this.#value(i, codes[i]!) - row.weights[i]!;
      for (let k = 0; k < size; k++) g[i]! += spread[k * cols + i]! * steps[k]!;
    }
    this.error += change;
    return true;
  }
}

/** sum += by · a row of a square matrix. */
function addRow(sum: Float64Array, matrix: Float32Array, { row, by }: { row: number; by: number }): void {
  if (by === 0) return;
  const n = sum.length;
  for (let i = 0, at = row * n; i < n; i++, at++) sum[i]! += by * matrix[at]!;
}

/** How a scale or a zero is rounded. */
function roundingOf(step: number, { half, signed }: { half: boolean; signed: boolean }): Rounding {
  if (step === 0) return half ? HALVES : SINGLES;
  // As lib/matrix/byte_scales.ts has them.
  return { ...bytesOfStep(step, signed), ...(signed && { least: -127 }) };
}
