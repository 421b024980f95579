/**
 * Some columns of activations.
 *
 * @module
 */

/** A selection of columns. */
export interface Columns {
  /** The first. */
  readonly from: number;
  /** Columns side by side; all of out's when absent. */
  readonly width?: number;
  /** The distance between the beginnings of pieces; irrelevant for a single piece. */
  readonly stride?: number;
}
