/**
 * The definition of a number format: a codebook of values, and a rule that scales a group of weights onto it.
 *
 * @module
 */

/**
 * A number format. Every one is a codebook: ŵ = scale · value[code] + zero.
 *
 * A new format is one new file that exports one of these, and its name in `lib/formats/formats.ts`.
 */
export interface Format {
  /** Its name: "any4", "nf4", "int3" … */
  readonly name: string;
  /** Bits of a code; the codebook has 2^bits values. */
  readonly bits: 2 | 3 | 4 | 8;
  /** Group size used when none is asked for. */
  readonly groupSize: number;
  /** One line with its definition and source. */
  readonly summary: string;
  /** The codebook indexed by code, given the group size (only af4 looks at it); null when it is learned. */
  readonly values: ((groupSize: number) => Float32Array) | null;
  /** The mapping of a group onto the codebook. */
  readonly scaling: Scaling;
}

/** Maps a group of weights, known by its least and largest value, onto the range of a codebook. */
export interface Scaling {
  /** The group's scale; never negative. */
  scale(min: number, max: number): number;
  /** The group's zero, the offset added to scaled values; absent when it is always 0. */
  zero?(min: number, max: number): number;
  /** The stored type of scales, unless options name another. */
  readonly stored: "f16" | "e8m0";
  /** The only group size that the format's definition allows, if there is one. */
  readonly fixedGroupSize?: number;
}

/** The largest magnitude of a group. */
export function absmax(min: number, max: number): number {
  return Math.max(-min, max, 0);
}

/**
 * Asymmetric scaling onto [0, levels]: scale = max(max − min, 1e-6) / levels, zero = min (any4, eq. 1 and 2;
 * the floor keeps a constant group from dividing by 0).
 */
export function asymmetric(levels: number): Scaling {
  return {
    scale: (min, max) => Math.max(max - min, 1e-6) / levels,
    zero: (min) => min,
    stored: "f16",
  };
}

/** Symmetric scaling of the largest magnitude onto `peak`. A group of zeros has scale 0. */
export function symmetric(peak: number): Scaling {
  return { scale: (min, max) => absmax(min, max) / peak, stored: "f16" };
}
