/**
 * Rows read four values at a time where their length allows it.
 *
 * @module
 */

/** How the values of a row are read. */
export interface Vectors {
  /** Values that are read at a time: 4, or 1 where rows do not divide into fours. */
  readonly width: 1 | 4;
  /** WGSL's name of so many: "vec4f" or "f32". */
  readonly type: "vec4f" | "f32";
  /** Of them, how many a row has. */
  readonly perRow: number;
}

/** The widest vectors that rows of `cols` values divide into, so that every row starts with one. */
export function vectors(cols: number): Vectors {
  return cols % 4 === 0
    ? { width: 4, type: "vec4f", perRow: cols / 4 }
    : { width: 1, type: "f32", perRow: cols };
}
