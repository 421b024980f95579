/**
 * How a GGUF file's tensors become what Hugging Face's models hold.
 *
 * @module
 */
/** A difference of a module's tensors. */
export interface Change {
  /** Where a row comes from; of so many rows. Undefined where so many do not fit. */
  readonly row?: (row: number, rows: number) => number | undefined;
  /** Whether weights of two dimensions are the other way round. */
  readonly transposed?: true;
  /** What is added to values. */
  readonly plus?: number;
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

/**
 * GPT-NeoX and Falcon have queries, keys and values group by group: the queries of a key-value head, its key, its value. In
 * the file all queries come first, then all keys, then all values.
 */
export function grouped({ heads, kvHeads }: { heads: number; kvHeads: number }): Change {
  const queries = heads / kvHeads;
  return {
    row(row, rows) {
      const dim = rows / (heads + 2 * kvHeads);
      if (!Number.isInteger(dim) || !Number.isInteger(queries)) return undefined;
      const part = Math.floor(row / dim) % (queries + 2);
      const group = Math.floor(row / dim / (queries + 2));
      const block = part < queries ? group * queries + part : heads + (part - queries) * kvHeads + group;
      return block * dim + row % dim;
    },
  };
}

/** Weights are [in_features, out_features]. */
export const transposed: Change = { transposed: true };

/** Norms count from 1. */
export const lessOne: Change = { plus: -1 };
