/**
 * Packed weights whose table is a line: integers. A side branch of the ladder.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import { bitsAt, type Lookup, type TableShape } from "./table.ts";
import { type LookupOf, rowsKernel, type RowsOptions } from "./table_4_rows.ts";

/** No table: Σ (least + step · code) · x = least · Σx + step · Σ code · x. */
const linear: LookupOf = ({ bits }, { element }): Lookup => ({
  declare: "",
  fill: "let least = valueAt(0u, 0u); let step = valueAt(0u, 1u) - least;",
  four(words, { first }) {
    const code = (j: number) => bitsAt(words, { offset: (first + j) * bits, count: bits });
    const codes = [0, 1, 2, 3].map(code).join(", ");
    // Around their middle, codes are exact in halves and sums are smaller.
    return element === "f16"
      ? `vec4h(vec4u(${codes})) - vec4h(${2 ** (bits - 1)}.0)`
      : `vec4f(vec4u(${codes}))`;
  },
  total: (_, { p, s }) =>
    element === "f16"
      ? `(step * ${p} + (least + ${2 ** (bits - 1)}.0 * step) * ${s})`
      : `(step * ${p} + least * ${s})`,
});

/**
 * Several rows a workgroup as on the fourth rung, without any table: codes are the numbers. The fast way for 8 bits,
 * whose tables of 256 values are slow to fill and to look up.
 *
 * The shape must be a line. Groups must be multiples of the chunk, or one. Bindings: table.ts.
 */
export function tableLine(shape: TableShape, options: RowsOptions): Kernel {
  return rowsKernel(shape, { name: "line", lookupOf: linear, options });
}
