/**
 * Packed weights, second rung: 32 codes a load.
 *
 * @module
 */
import { activations, activationsType } from "./bindings.ts";
import { type Kernel, line, unrolled, workgroupIndex } from "./kernel.ts";
import { write } from "./linear.ts";
import { addChunk, bitsAt, codesType, type Lookup, tableBindings, type TableShape } from "./table.ts";

/** Rows of a workgroup. */
const ROWS = 64;

/** The codebook where it is, in storage memory. */
function stored(bits: number): Lookup {
  return {
    declare: "",
    fill: "",
    four(words, { first, r }) {
      const code = (j: number) => bitsAt(words, { offset: (first + j) * bits, count: bits });
      return `vec4f(${[0, 1, 2, 3].map((j) => `valueAt(row${r}, ${code(j)})`).join(", ")})`;
    },
  };
}

/**
 * An invocation a row, as on the first rung, but 32 codes a load: a vec4u of 4-bit codes, a vec2u of 2-bit ones. Shifts
 * and masks are constants in the text, no loop runs over codes, and a scale is applied to a sum of 32.
 *
 * Groups must be multiples of 32 columns, or one. Bindings: table.ts.
 */
export function tableWords(shape: TableShape, { tokens }: { tokens: number }): Kernel {
  const { rows, cols, bits } = shape;
  return {
    name: `table words ${rows}×${cols} ${bits} bits`,
    workgroups: () => line(Math.ceil(rows / ROWS)),
    code: `${tableBindings(shape, { x: activationsType(cols), codes: codesType(bits, 32) })}
${activations(cols)}

@compute @workgroup_size(${ROWS})
fn main(
  @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) i: u32,
) {
  let row = ${workgroupIndex} * ${ROWS}u + i;
  if (row >= ${rows}u) { return; }
  let row0 = row;
  ${unrolled(tokens, (t) => `var a0_${t} = 0.0;`)}
  for (var k = 0u; k < ${Math.ceil(cols / 32)}u; k++) {
    ${addChunk(shape, { rows: 1, tokens, chunk: 32, lookup: stored(bits), element: "f32" })}
  }
  ${unrolled(tokens, (t) => write(shape, { t: `${t}u`, row: "row", value: `a0_${t}` }))}
}`,
  };
}
