/**
 * The types in which learned codebooks are stored.
 *
 * @module
 */

/**
 * The stored type of a learned codebook: halves, singles, or bytes. A byte q stands for q · 2^(bits − 8), so that the bytes of
 * b-bit codes reach from 0 to almost 2^b ("uint8", for groups with zeros) or from −2^(b − 1) to almost 2^(b − 1) ("int8", for
 * groups without): a half holds every one exactly.
 */
export type CodebookType = "f16" | "f32" | "uint8" | "int8";

/** The least and largest whole number of the types of bytes. */
const RANGES = { uint8: [0, 255], int8: [-128, 127] } as const;

/** What a byte of a codebook for codes of `bits` bits is a multiple of. */
export function codebookStep(bits: number): number {
  return 2 ** (bits - 8);
}

/** The rounding of values to a type, to the nearest that it holds; a half of what it cannot hold is infinite. */
export function codebookRounding(type: CodebookType, bits: number): (value: number) => number {
  if (type === "f32") return Math.fround;
  if (type === "f16") return Math.f16round;
  const [least, largest] = RANGES[type];
  const step = codebookStep(bits);
  // A byte has no −0.
  return (value) => step * Math.min(Math.max(Math.round(Math.fround(value) / step), least), largest) + 0;
}
