/**
 * What outliers add to a product, and to rows of a packed matrix.
 *
 * @module
 */
import { elementwise } from "./elementwise.ts";
import type { Kernel } from "./kernel.ts";

/**
 * out[t, r] += Σ value · x[t, column] over the outliers of row r, in place.
 *
 * Bindings: out [tokens, rows], x [tokens, cols], starts [rows + 1] (u32), entries (u32: the column below, the value as a half
 * above), step. A thread a row of a token.
 */
export function addOutliers({ rows, cols }: { rows: number; cols: number }): Kernel {
  return elementwise({
    name: `add_outliers ${rows} ${cols}`,
    types: { out: "array<f32>", x: "array<f32>", starts: "array<u32>", entries: "array<u32>" },
    perToken: rows,
    body: `let row = at % ${rows}u;
  let first = at / ${rows}u * ${cols}u;
  var sum = 0.0;
  for (var i = starts[row]; i < starts[row + 1u]; i++) {
    sum += unpack2x16float(entries[i]).y * x[first + (entries[i] & 0xffffu)];
  }
  out[at] += sum;`,
  });
}

/**
 * out[t] += the outliers of row ids[t], in place.
 *
 * Bindings: out [tokens, cols], ids [tokens] (u32), starts and entries as above, step. A thread a token.
 */
export function embedOutliers({ cols }: { cols: number }): Kernel {
  return elementwise({
    name: `embed_outliers ${cols}`,
    types: { out: "array<f32>", ids: "array<u32>", starts: "array<u32>", entries: "array<u32>" },
    perToken: 1,
    body: `for (var i = starts[ids[at]]; i < starts[ids[at] + 1u]; i++) {
    out[at * ${cols}u + (entries[i] & 0xffffu)] += unpack2x16float(entries[i]).y;
  }`,
  });
}
