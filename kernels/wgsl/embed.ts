/**
 * Rows of the embedding table.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type Kernel, line, workgroupIndex } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/** A table of embeddings, or the part of one that fits a binding. */
export interface EmbedShape {
  /** Features. */
  readonly cols: number;
  /** The stored type of the table's values. */
  readonly dtype: "F32" | "F16" | "BF16";
  /** The id whose row comes first; 0 when absent. */
  readonly firstRow?: number;
  /** Rows of the part. */
  readonly rows: number;
}

/**
 * out[t] = table[ids[t]], for the tokens whose id is in `firstRow … firstRow + rows − 1`; the others' rows are left as
 * they are, for another part of the table to write.
 *
 * Bindings: out [tokens, cols], table, ids [tokens] (u32), step. An F32 table is [rows, cols]. F16 and BF16 tables are of
 * words (u32) that hold two values, the first in the lower half; every row starts on a word of its own. They are widened
 * by shifts and `unpack2x16float`, for which no device needs f16. A workgroup a token, a thread every 128th word.
 */
export function embed(shape: EmbedShape): Kernel {
  const { cols, dtype, firstRow = 0, rows } = shape;
  const { type, perRow } = dtype === "F32" ? vectors(cols) : { type: "u32", perRow: Math.ceil(cols / 2) };
  const outType = dtype === "F32" ? type : "f32";
  const two = dtype === "F16"
    ? "unpack2x16float(word)"
    : "bitcast<vec2f>(vec2u(word << 16u, word & 0xffff0000u))";
  // The last word of an odd row holds one value.
  const second = cols % 2 === 0 ? "" : `if (2u * w + 1u < ${cols}u) `;
  const copy = dtype === "F32" ? `out[token * ${perRow}u + w] = word;` : `let two = ${two};
    let at = token * ${cols}u + 2u * w;
    out[at] = two.x;
    ${second}{ out[at + 1u] = two.y; }`;
  return {
    name: `embed ${dtype} ${firstRow}+${rows} × ${cols}`,
    workgroups: line,
    code: `${bindings({ out: `array<${outType}>`, table: `array<${type}>`, ids: "array<u32>", step: "Step" })}

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
  for (var w = i; w < ${perRow}u; w += ${THREADS}u) {
    let word = table[row * ${perRow}u + w];
    ${copy}
  }
}`,
  };
}
