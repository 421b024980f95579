/**
 * Packed weights, fifth rung: two codes a look-up.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import { bitsAt, type Lookup, type TableShape } from "./table.ts";
import { middles } from "./table_3_lut.ts";
import { type LookupOf, rowsKernel, type RowsOptions } from "./table_4_rows.ts";

/**
 * Tables of all tuples of `per` codes, two or, of 2 bits, four. Values that are halves stay halves in memory, two a
 * word, which is exact: 1 KB a row for pairs of 4 bits, 256 bytes for 3, 64 for 2.
 */
export function tuples(per: 2 | 4): LookupOf {
  return (shape: TableShape, { rows, threads, element }): Lookup => {
    const { bits, perRow } = shape;
    const entries = 2 ** (bits * per);
    const tables = perRow ? rows : 1;
    const half = element === "f16" ? middles(shape, tables) : undefined;
    const row = `min(row + e / ${entries}u, ${shape.rows - 1}u)`;
    const values = Array.from({ length: per }, (_, j) => {
      const value = `valueAt(${row}, (e >> ${j * bits}u) & ${2 ** bits - 1}u)`;
      return half ? `f16(${value} - middles[e / ${entries}u].x)` : value;
    });
    const packed = !half && shape.codebook === "f16";
    const words = values.flatMap((_, j) =>
      j % 2 ? [] : [`pack2x16float(vec2f(${values[j]}, ${values[j + 1]}))`]
    );
    const [type, entry] = !packed
      ? [`vec${per}<${element}>`, `vec${per}<${element}>(${values.join(", ")})`]
      : per === 2
      ? ["u32", words[0]]
      : ["vec2u", `vec2u(${words.join(", ")})`];
    const read = !packed
      ? (at: string) => `lut[${at}]`
      : per === 2
      ? (at: string) => `unpack2x16float(lut[${at}])`
      : (at: string) => `four(lut[${at}])`;
    return {
      declare: `var<workgroup> lut: array<${type}, ${tables * entries}>;
fn four(words: vec2u) -> vec4f { return vec4f(unpack2x16float(words.x), unpack2x16float(words.y)); }
${half?.declare ?? ""}`,
      fill: `${half?.fill ?? ""}
for (var e = i; e < ${tables * entries}u; e += ${threads}u) { lut[e] = ${entry}; }
workgroupBarrier();`,
      four(codes, { first, r }) {
        const base = perRow && r > 0 ? `${r * entries}u + ` : "";
        const values = Array.from(
          { length: 4 / per },
          (_, j) => read(base + bitsAt(codes, { offset: (first + j * per) * bits, count: per * bits })),
        );
        return `vec4<${element}>(${values.join(", ")})`;
      },
      total: half && ((r, { p, s }) => `(${p} + middles[${perRow ? r : 0}].x * ${s})`),
    };
  };
}

/**
 * Several rows a workgroup as on the fourth rung, with half the look-ups (any-precision LLM's kernels do so).
 *
 * What that gains depends on the bits: 16 pairs of 2-bit codes lie in 16 banks, so that a look-up costs what it did;
 * 256 pairs of 4-bit codes lie eight to a bank, and where codes differ, invocations queue. Filling takes 256 entries a
 * row, which pays on long rows only. `per: 4` looks up a byte of four 2-bit codes.
 *
 * At most 4 bits. Groups must be multiples of the chunk, or one. Bindings: table.ts.
 */
export function tablePairs(shape: TableShape, options: RowsOptions & { readonly per?: 2 | 4 }): Kernel {
  const { per = 2 } = options;
  return rowsKernel(shape, { name: per === 2 ? "pairs" : "fours", lookupOf: tuples(per), options });
}
