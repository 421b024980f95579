/**
 * How a GGUF file's tensors become what Hugging Face's models hold.
 *
 * @module
 */
import type { GgufReader } from "./reader.ts";

/** A difference of a module's tensors. */
export interface Change {
  /** Where a row comes from; of so many rows. Undefined where so many do not fit. */
  readonly row?: (row: number, rows: number) => number | undefined;
  /** Whether weights of two dimensions are the other way round. */
  readonly transposed?: true;
  /** What is added to values. */
  readonly plus?: number;
}

/** Query heads. */
export function headsOf(read: GgufReader): number {
  return read.needed("attention.head_count");
}

/**
 * llama.cpp turns features 2i and 2i + 1 of a head together, Hugging Face's models features i and i + head_dim / 2: rows
 * are in another order.
 */
export function interleaved(heads: number): Change {
  return {
    row(row, rows) {
      const half = rows / heads / 2;
      if (!Number.isInteger(half)) return undefined;
      const inHead = row % (2 * half);
      return row - inHead + 2 * (inHead % half) + Math.floor(inHead / half);
    },
  };
}

/** GPT-NeoX has queries, keys and values head by head; in the file all queries come first. */
export function neoxRows(heads: number): Change {
  return {
    row(row, rows) {
      const dim = rows / heads / 3;
      if (!Number.isInteger(dim)) return undefined;
      const part = Math.floor(row / dim) % 3;
      const head = Math.floor(row / dim / 3);
      return part * heads * dim + head * dim + row % dim;
    },
  };
}

/** Weights are [in_features, out_features]. */
export const transposed: Change = { transposed: true };

/** Norms count from 1. */
export const lessOne: Change = { plus: -1 };
