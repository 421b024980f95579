/**
 * Packed weights, first rung: what is to be computed, and no more.
 *
 * @module
 */
import { activationsType } from "./bindings.ts";
import { type Kernel, line, unrolled, workgroupIndex } from "./kernel.ts";
import { write } from "./linear.ts";
import { groups, tableBindings, type TableShape } from "./table.ts";

/** Rows of a workgroup. */
const ROWS = 64;

/**
 * An invocation a row, a code at a time: any bits, any groups, few tokens. Bindings: table.ts.
 *
 * Slow, because neighbouring invocations read words that are a whole row apart, and a table in memory for each weight;
 * but there is nothing to get wrong, so the other rungs are read against it, and odd group sizes fall back to it.
 */
export function tableNaive(shape: TableShape, { tokens }: { tokens: number }): Kernel {
  const { rows, cols, bits, groupSize } = shape;
  const wordsPerRow = Math.ceil(cols / 32) * bits;
  const xAt = (t: number) => cols % 4 === 0 ? `x[(${t * cols}u + c) / 4u][c % 4u]` : `x[${t * cols}u + c]`;
  // Only 3-bit codes cross from a word to the next.
  const crossing = bits === 3
    ? `if (bit % 32u > 29u) { code |= codes[at + bit / 32u + 1u] << (32u - bit % 32u); }`
    : "";
  return {
    name: `table naive ${rows}×${cols} ${bits} bits`,
    workgroups: () => line(Math.ceil(rows / ROWS)),
    code: `${tableBindings(shape, { x: activationsType(cols), codes: "array<u32>" })}

@compute @workgroup_size(${ROWS})
fn main(
  @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) i: u32,
) {
  let row = ${workgroupIndex} * ${ROWS}u + i;
  if (row >= ${rows}u) { return; }
  let at = row * ${wordsPerRow}u;
  ${unrolled(tokens, (t) => `var sum${t} = 0.0;`)}
  for (var g = 0u; g < ${groups(shape)}u; g++) {
    ${unrolled(tokens, (t) => `var p${t} = 0.0; var s${t} = 0.0;`)}
    for (var c = g * ${groupSize}u; c < min((g + 1u) * ${groupSize}u, ${cols}u); c++) {
      let bit = c * ${bits}u;
      var code = codes[at + bit / 32u] >> (bit % 32u);
      ${crossing}
      let value = valueAt(row, code & ${2 ** bits - 1}u);
      ${unrolled(tokens, (t) => `{ let v = ${xAt(t)}; p${t} += value * v; s${t} += v; }`)}
    }
    let q = scaleAt(row * ${groups(shape)}u + g);
    ${unrolled(tokens, (t) => `sum${t} += q.x * p${t} + q.y * s${t};`)}
  }
  ${unrolled(tokens, (t) => write(shape, { t: `${t}u`, row: "row", value: `sum${t}` }))}
}`,
  };
}
