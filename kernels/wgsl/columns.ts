/**
 * Parts of what a fused Linear gives.
 *
 * @module
 */
import { type Kernel, line, STEP, workgroupIndex } from "./kernel.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/** Which columns go where. */
export interface ColumnsShape {
  /** Columns of out, a multiple of `width`. */
  readonly outCols: number;
  /** Columns of x. */
  readonly cols: number;
  /** x's first column that is taken. */
  readonly from: number;
  /** Columns side by side. */
  readonly width: number;
  /** From the beginning of a piece in x to the next one's. */
  readonly stride: number;
}

/**
 * Piece n of out[t], `width` columns, is x[t] from column `from + n · stride` on.
 *
 * Bindings: out [tokens, outCols], x [tokens, cols], step. A thread a value.
 */
export function columns(shape: ColumnsShape): Kernel {
  const { outCols, cols, from, width, stride } = shape;
  return {
    name: `columns ${outCols} of ${cols}`,
    workgroups: (tokens) => line(Math.ceil(tokens * outCols / THREADS)),
    code: `${STEP}
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<uniform> step: Step;

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let at = ${workgroupIndex} * ${THREADS}u + i;
  if (at >= step.tokens * ${outCols}u) { return; }
  let token = at / ${outCols}u;
  let column = at % ${outCols}u;
  out[at] = x[token * ${cols}u + ${from}u + column / ${width}u * ${stride}u + column % ${width}u];
}`,
  };
}
