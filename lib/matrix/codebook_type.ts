/**
 * The types in which learned codebooks are stored.
 *
 * @module
 */
import { bytesOfStep, HALVES, type Rounding, SINGLES } from "./rounding.ts";

/**
 * The stored type of a learned codebook: halves, singles, or bytes. A byte q stands for q · 2^(bits − 8), so that the bytes of
 * b-bit codes reach from 0 to almost 2^b ("uint8", for groups with zeros) or from −2^(b − 1) to almost 2^(b − 1) ("int8", for
 * groups without): a half holds every one exactly.
 */
export type CodebookType = "f16" | "f32" | "uint8" | "int8";

/** What a byte of a codebook for codes of `bits` bits is a multiple of. */
export function codebookStep(bits: number): number {
  return 2 ** (bits - 8);
}

/** The rounding of a codebook's values to its type. */
export function codebookRounding(type: CodebookType, bits: number): Rounding {
  if (type === "f32") return SINGLES;
  if (type === "f16") return HALVES;
  return bytesOfStep(codebookStep(bits), type === "int8");
}
