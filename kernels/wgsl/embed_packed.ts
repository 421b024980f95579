/**
 * Rows of a packed embedding table.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type Kernel, line, workgroupIndex } from "./kernel.ts";
import { codebookReads, groups, type TableShape } from "./table.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/**
 * out[t] = ŵ[ids[t]], for the tokens whose id is among the rows of this part of a packed table; the others' rows are left as
 * they are, for another part to write. A workgroup a token, a thread every 128th column.
 *
 * Bindings: out [tokens, cols], codes, scales, codebook as table.ts has them, ids [tokens] (u32), step.
 */
export function embedPacked(shape: TableShape): Kernel {
  const { rows, cols, bits, groupSize, firstRow = 0 } = shape;
  const wordsPerRow = Math.ceil(cols / 32) * bits;
  // Only 3-bit codes cross from a word to the next.
  const crossing = bits === 3
    ? `if (bit % 32u > 29u) { code |= codes[at + bit / 32u + 1u] << (32u - bit % 32u); }`
    : "";
  return {
    name: `embed packed ${firstRow}+${rows} × ${cols}, ${bits} bits`,
    workgroups: line,
    code: `${
      bindings({
        out: "array<f32>",
        codes: "array<u32>",
        scales: shape.scales === "f16" ? "array<u32>" : "array<vec2f>",
        codebook: shape.codebook === "f16" ? "array<u32>" : "array<f32>",
        ids: "array<u32>",
        step: "Step",
      })
    }
${codebookReads(shape)}

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let token = ${workgroupIndex};
  if (token >= step.tokens) { return; }
  // Ids before the part's first become huge.
  let row = ids[token] - ${firstRow}u;
  if (row >= ${rows}u) { return; }
  let at = row * ${wordsPerRow}u;
  for (var c = i; c < ${cols}u; c += ${THREADS}u) {
    let bit = c * ${bits}u;
    var code = codes[at + bit / 32u] >> (bit % 32u);
    ${crossing}
    let q = scaleAt(row * ${groups(shape)}u + c / ${groupSize}u);
    out[token * ${cols}u + c] = q.x * valueAt(row, code & ${2 ** bits - 1}u) + q.y;
  }
}`,
  };
}
