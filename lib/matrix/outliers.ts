/**
 * The few weights of a packed matrix that are kept in 16 bits, by rows (CSR).
 *
 * @module
 */

/** What is added to weights that codes cannot stand for. */
export interface Outliers {
  /** [rows + 1]: row r has those from starts[r] to starts[r + 1]. */
  readonly starts: Uint32Array;
  /** Their columns, ascending in a row. */
  readonly columns: Uint16Array;
  /** What is added there, halves. */
  readonly values: Float32Array;
}

/** The columns that outliers can be in. */
export const MOST_OUTLIER_COLUMNS = 1 << 16;

/** The stored size of outliers in bytes: 4 a row, and one, and 4 for each. */
export function outlierBytes({ starts, values }: Outliers): number {
  return 4 * (starts.length + values.length);
}

/** Adds the outliers of a row to its weights. */
export function addOutliers(outliers: Outliers, row: number, weights: Float32Array): void {
  const { starts, columns, values } = outliers;
  for (let i = starts[row]!; i < starts[row + 1]!; i++) weights[columns[i]!]! += values[i]!;
}
