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
export const linear: LookupOf = ({ bits }, { element }): Lookup => {
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

/** What activations of four neighbouring columns are multiplied by for {@linkcode inPlace}. */
export const IN_PLACE = "vec4f(1.0, 0x1p-4, 0x1p-8, 0x1p-12)";

/** The same for 4 bits with codes left where they are in a word, 16 to the power of their place times as large: they take no shift. */
export const inPlace: LookupOf = (shape, options): Lookup => ({
  ...linear(shape, options),
  four(words, { first }) {
    const word = words[first >> 3]!;
    const codes = `(vec4u(${
      first % 8 === 0 ? word : `${word} >> 16u`
    }) & vec4u(0xfu, 0xf0u, 0xf00u, 0xf000u))`;
    const middles = [0, 1, 2, 3].map((j) => `${2 ** 23 + 8 * 16 ** j}.0`);
    return `(bitcast<vec4f>(${codes} | vec4u(${TWO_23})) - vec4f(${middles.join(", ")}))`;
  },
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
