/**
 * Packed weights, third rung: the table in workgroup memory.
 *
 * @module
 */
import { activations, activationsType, type Element } from "./bindings.ts";
import { enables, type Kernel } from "./kernel.ts";
import { rowsMain, threadsFor } from "./linear.ts";
import { addChunk, bitsAt, codesType, type Lookup, tableBindings, type TableShape } from "./table.ts";

/**
 * The middle and the half of the range of each table, in `middles`. The middle is subtracted before values are
 * rounded to halves or bytes, and given back by middle · Σx: tables run from 0 to 15 where zeros are minima, and
 * around 0 rounding is finer and sums are smaller.
 */
export function middles(
  { bits, perRow, rows }: TableShape,
  count: number,
): { declare: string; fill: string } {
  return {
    declare: `var<workgroup> middles: array<vec2f, ${count}>;
fn middle(row: u32) -> vec2f {
  var least = valueAt(row, 0u);
  var most = least;
  for (var v = 1u; v < ${2 ** bits}u; v++) {
    let value = valueAt(row, v);
    least = min(least, value);
    most = max(most, value);
  }
  return 0.5 * vec2f(least + most, most - least);
}`,
    fill: `if (i < ${count}u) { middles[i] = middle(${perRow ? `min(row + i, ${rows - 1}u)` : "0u"}); }
workgroupBarrier();`,
  };
}

/**
 * The tables of a workgroup's rows in workgroup memory. 16 f32 lie in 16 banks: however codes differ, invocations never
 * wait for one another.
 */
export function single(
  shape: TableShape,
  { rows, threads, element }: { rows: number; threads: number; element: Element },
): Lookup {
  const { bits, perRow } = shape;
  const values = 2 ** bits;
  const tables = perRow ? rows : 1;
  const half = element === "f16" ? middles(shape, tables) : undefined;
  const value = `valueAt(min(row + e / ${values}u, ${shape.rows - 1}u), e % ${values}u)`;
  return {
    declare: `var<workgroup> lut: array<${element}, ${tables * values}>;
${half?.declare ?? ""}`,
    fill: `${half?.fill ?? ""}
for (var e = i; e < ${tables * values}u; e += ${threads}u) {
  lut[e] = ${half ? `f16(${value} - middles[e / ${values}u].x)` : value};
}
workgroupBarrier();`,
    four(words, { first, r }) {
      const base = perRow && r > 0 ? `${r * values}u + ` : "";
      const code = (j: number) => bitsAt(words, { offset: (first + j) * bits, count: bits });
      return `vec4<${element}>(${[0, 1, 2, 3].map((j) => `lut[${base}${code(j)}]`).join(", ")})`;
    },
    total: half && ((r, { p, s }) => `(${p} + middles[${perRow ? r : 0}].x * ${s})`),
  };
}

/**
 * A workgroup a row: its invocations share the row's columns, so that they read words that lie side by side, look
 * values up in workgroup memory, and add up in a tree at the end.
 *
 * Groups must be multiples of 32 columns, or one. Bindings: table.ts.
 */
export function tableLut(
  shape: TableShape,
  { tokens, element = "f32" }: { tokens: number; element?: Element },
): Kernel {
  const { cols, bits } = shape;
  const chunks = Math.ceil(cols / 32);
  const threads = threadsFor(chunks);
  const lookup = single(shape, { rows: 1, threads, element });
  const { code, workgroups } = rowsMain(shape, {
    rows: 1,
    tokens,
    threads,
    chunks,
    fill: lookup.fill,
    add: addChunk(shape, { rows: 1, tokens, chunk: 32, lookup, element }),
  });
  const features = element === "f16" ? ["shader-f16"] : [];
  return {
    name: `table lut ${shape.rows}×${cols} ${bits} bits ${element}`,
    features,
    workgroups,
    code: `${enables(features)}${
      tableBindings(shape, { x: activationsType(cols), codes: codesType(bits, 32) })
    }
${activations(cols)}
${lookup.declare}
${code}`,
  };
}
