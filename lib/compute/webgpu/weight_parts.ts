/**
 * Weights as the WGSL kernels read them, typed arrays to be uploaded as they are.
 *
 * @module
 */
import type { DenseShape } from "../../../kernels/wgsl/dense.ts";
import type { TableShape } from "../../../kernels/wgsl/table.ts";
import { isShared, rowCodebooks } from "../../matrix/codebooks.ts";
import { fromFloat32 } from "../../matrix/dtype.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import { storedValues } from "../../matrix/stored_matrix.ts";
import type { Outliers } from "../../matrix/outliers.ts";
import { groupsPerRow, isLine, isPacked, type PackedMatrix } from "../../matrix/packed_matrix.ts";
import { wordsPerRow } from "../../matrix/packing.ts";

/** Rows of a matrix, `to` not among them. */
export interface RowRange {
  /** The first. */
  readonly from: number;
  /** The first that is not. */
  readonly to: number;
}

/** A packed matrix, or some of its rows. */
export interface TableParts {
  /** The shape that kernels are made for. */
  readonly shape: TableShape;
  /** A view of the matrix's own codes. */
  readonly codes: Uint32Array;
  /** [rows, groups] of (scale, zero): two halves in a word, or two f32. */
  readonly scales: Uint32Array | Float32Array;
  /** [1 or rows, 2^bits] values: two halves in a word, or f32. */
  readonly codebook: Uint32Array | Float32Array;
}

/** A dense matrix, or some of its rows. */
export interface DenseParts {
  /** The shape that kernels are made for. */
  readonly shape: DenseShape;
  /** [rows, cols] f32, or [rows, ⌈cols / 2⌉] words of two values. */
  readonly weights: Uint32Array | Float32Array;
}

/** Whether numbers are halves. Subnormal ones count: widening them makes normal singles on every known device. */
function areHalves(numbers: Float32Array): boolean {
  return numbers.every((number) => Math.f16round(number) === number);
}

/** Rows of f16 or bf16 values, two a word, every row starting on a word. */
function inWords(data: Float32Array, { cols, dtype }: { cols: number; dtype: "F16" | "BF16" }): Uint32Array {
  if (cols % 2 === 0) return new Uint32Array(fromFloat32(data, dtype).buffer);
  const rows = data.length / cols;
  const padded = new Float32Array(rows * (cols + 1));
  for (let r = 0; r < rows; r++) padded.set(data.subarray(r * cols, (r + 1) * cols), r * (cols + 1));
  return new Uint32Array(fromFloat32(padded, dtype).buffer);
}

/**
 * Lays out rows of a packed matrix.
 *
 * @param options.rows which; all when absent.
 * @param options.bias whether a bias is added.
 */
export function tableParts(
  packed: PackedMatrix,
  options: { rows?: RowRange; bias?: boolean } = {},
): TableParts {
  const { cols, bits, groupSize, zeros } = packed;
  const { from, to } = options.rows ?? { from: 0, to: packed.rows };
  const groups = groupsPerRow(packed);
  const values = 2 ** bits;
  const perRow = !isShared(packed);
  const words = wordsPerRow(cols, bits);
  const pairs = new Float32Array(2 * (to - from) * groups);
  for (let i = 0; i < pairs.length / 2; i++) {
    pairs[2 * i] = packed.scales[from * groups + i]!;
    pairs[2 * i + 1] = zeros === null ? 0 : zeros[from * groups + i]!;
  }
  const codebooks = rowCodebooks(packed);
  const codebook = perRow ? codebooks.subarray(from * values, to * values) : codebooks;
  const halfScales = areHalves(pairs);
  const halfTables = perRow && areHalves(codebook);
  return {
    shape: {
      rows: to - from,
      cols,
      bits: bits as TableShape["bits"],
      groupSize,
      codebook: halfTables ? "f16" : "f32",
      perRow,
      line: !perRow && isLine(codebook),
      scales: halfScales ? "f16" : "f32",
      firstRow: from,
      outCols: packed.rows,
      bias: options.bias ?? false,
    },
    codes: packed.codes.subarray(from * words, to * words),
    scales: halfScales ? inWords(pairs, { cols: 2, dtype: "F16" }) : pairs,
    codebook: halfTables ? inWords(codebook, { cols: values, dtype: "F16" }) : codebook,
  };
}

/**
 * Lays out rows of a dense matrix, as its checkpoint stores them where that is F16 or BF16 and loses nothing.
 *
 * @param options.rows which; all when absent.
 * @param options.bias whether a bias is added.
 */
export function denseParts(matrix: Matrix, options: { rows?: RowRange; bias?: boolean } = {}): DenseParts {
  const { cols } = matrix;
  const rows = options.rows ?? { from: 0, to: matrix.rows };
  const { dtype, weights } = storedWords(matrix, rows) ?? narrowed(matrix, rows);
  return {
    shape: {
      rows: rows.to - rows.from,
      cols,
      dtype,
      firstRow: rows.from,
      outCols: matrix.rows,
      bias: options.bias ?? false,
    },
    weights,
  };
}

type DenseValues = { dtype: DenseShape["dtype"]; weights: DenseParts["weights"] };

/** Rows as the checkpoint stores them, where that is what kernels read: whole words, of a matrix that is no vector. */
export function storedWords(matrix: Matrix, { from, to }: RowRange): DenseValues | undefined {
  const { rows, cols, dtype } = matrix;
  const stored = storedValues(matrix);
  if (!stored || rows === 1 || cols % 2 !== 0 || stored.byteOffset % 4 !== 0) return undefined;
  const { buffer, byteOffset } = stored;
  const weights = new Uint32Array(buffer, byteOffset + 2 * from * cols, (to - from) * cols / 2);
  return { dtype: dtype as "F16" | "BF16", weights };
}

/** Rows in the type that the matrix names, if that holds them. */
function narrowed(matrix: Matrix, { from, to }: RowRange): DenseValues {
  const { cols } = matrix;
  const data = matrix.data.subarray(from * cols, to * cols);
  const dtype = matrix.dtype === "F16" && areHalves(data)
    ? "F16"
    : matrix.dtype === "BF16" && areBrainHalves(data)
    ? "BF16"
    : "F32";
  return { dtype, weights: dtype === "F32" ? data : inWords(data, { cols, dtype }) };
}

/** Whether numbers are bfloat16: the lower halves of their bits are 0. */
function areBrainHalves(data: Float32Array): boolean {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return bits.every((word) => (word & 0xffff) === 0);
}

/** Lays out outliers: a word of each has its column below and its value, a half, above. */
export function outlierParts(
  { starts, columns, values }: Outliers,
): { starts: Uint32Array; entries: Uint32Array } {
  const halves = new Uint16Array(Float16Array.from(values).buffer);
  return { starts, entries: Uint32Array.from(columns, (column, i) => (halves[i]! << 16 | column) >>> 0) };
}

/**
 * Cuts a matrix into ranges of rows none of whose arrays has more than `bytes` bytes.
 *
 * @param bytes what a binding holds at most.
 */
export function rowRanges(matrix: Matrix | PackedMatrix, bytes: number): RowRange[] {
  const { rows, cols } = matrix;
  const perRow = isPacked(matrix)
    ? Math.max(4 * wordsPerRow(cols, matrix.bits), 8 * groupsPerRow(matrix), 4 * 2 ** matrix.bits)
    : 4 * cols;
  const most = Math.max(1, Math.floor(bytes / perRow));
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => ({
    from: i * most,
    to: Math.min((i + 1) * most, rows),
  }));
}
