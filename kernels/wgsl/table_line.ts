/**
 * Packed weights whose table is a line: integers. A side branch of the ladder.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import { bitsAt, type Lookup, type TableShape } from "./table.ts";
import { type LookupOf, rowsKernel, type RowsOptions } from "./table_4_rows.ts";

/** The bits of 2^23 as an f32: or-ing a whole number below 2^23 to them adds it. */
const TWO_23 = "0x4b000000u";

/**
 * No table: Σ (least + step · code) · x = (least + step · middle) · Σx + step · Σ (code − middle) · x.
 *
 * Codes become floats by their place in the bits of 2^23 + code, from which 2^23 + middle is subtracted: two
 * instructions of full speed, where many GPUs convert at a quarter of it. Around the middle, sums are smaller, and
 * codes of up to 4 bits are exact in halves.
 */
const linear: LookupOf = ({ bits }, { element }): Lookup => {
  const middle = 2 ** (bits - 1);
  return {
    declare: "",
    fill: `let step = valueAt(0u, 1u) - valueAt(0u, 0u);
let center = valueAt(0u, 0u) + ${middle}.0 * step;`,
    four(words, { first }) {
      const code = (j: number) => bitsAt(words, { offset: (first + j) * bits, count: bits });
      const floats = `bitcast<vec4f>(vec4u(${[0, 1, 2, 3].map(code).join(", ")}) | vec4u(${TWO_23}))`;
      const centered = `(${floats} - vec4f(${2 ** 23 + middle}.0))`;
      return element === "f16" ? `vec4h${centered}` : centered;
    },
    total: (_, { p, s }) => `(step * ${p} + center * ${s})`,
  };
};

/**
 * Several rows a workgroup as on the fourth rung, without any table: codes are the numbers. The fast way for 8 bits,
 * whose tables of 256 values are slow to fill and to look up.
 *
 * The shape must be a line. Groups must be multiples of the chunk, or one. Bindings: table.ts.
 */
export function tableLine(shape: TableShape, options: RowsOptions): Kernel {
  return rowsKernel(shape, { name: "line", lookupOf: linear, options });
}
