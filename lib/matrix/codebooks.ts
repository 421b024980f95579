/**
 * Which of a matrix's codebooks each row has.
 *
 * @module
 */

/** The codebooks of a matrix, and which each row has: see PackedMatrix. */
interface Codebooks {
  readonly bits: number;
  readonly rows: number;
  readonly codebook: Float32Array;
  readonly codebookRows?: Uint8Array;
}

/** Where a row's codebook begins in all of them. */
export function codebookAt({ bits, rows, codebook, codebookRows }: Codebooks, row: number): number {
  const count = codebook.length >> bits;
  return (codebookRows?.[row] ?? Math.floor(row * count / rows)) << bits;
}

/** Whether one codebook serves the whole matrix. */
export function isShared({ bits, codebook }: Pick<Codebooks, "bits" | "codebook">): boolean {
  return codebook.length === 1 << bits;
}

/** The codebooks as kernels read them: one for all rows, or [rows, 2^bits]. */
export function rowCodebooks(matrix: Codebooks): Float32Array {
  const { bits, rows, codebook } = matrix;
  if (isShared(matrix) || (codebook.length === rows << bits && !matrix.codebookRows)) return codebook;
  const all = new Float32Array(rows << bits);
  for (let row = 0; row < rows; row++) {
    const at = codebookAt(matrix, row);
    all.set(codebook.subarray(at, at + (1 << bits)), row << bits);
  }
  return all;
}
