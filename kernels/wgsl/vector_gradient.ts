/**
 * Gradients of vectors that all tokens share.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import type { Kernel } from "./kernel.ts";

/** Parameters of the kernel: which gradients are wanted, at least one. */
export interface VectorGradientShape {
  /** Features. */
  readonly cols: number;
  /** That by a norm's weight. */
  readonly weight: boolean;
  /** That by what is added. */
  readonly bias: boolean;
}

/** Columns of a workgroup, side by side in memory. */
const COLUMNS = 32;

/** Threads that share a column. */
const SHARES = 8;

/**
 * dweight += Σ g[t] · (x[t] − mean[t]) · r[t], dbias += Σ g[t].
 *
 * Bindings: dweight [cols], dbias [cols], stats [tokens] and x [tokens, cols], g [tokens, cols], step; without `weight` or
 * `bias`, what they need is not there. A workgroup 32 columns; 8 threads share a column, then the first adds up what they
 * found.
 */
export function vectorGradient({ cols, weight, bias }: VectorGradientShape): Kernel {
  const values = "array<f32>";
  const types = {
    ...(weight && { dweight: values }),
    ...(bias && { dbias: values }),
    ...(weight && { stats: "array<vec2f>", x: values }),
    g: values,
    step: "Step",
  };
  return {
    name: `vector_gradient ${cols}`,
    workgroups: () => [Math.ceil(cols / COLUMNS), 1, 1],
    code: `${bindings(types, { writes: weight && bias ? 2 : 1 })}
var<workgroup> sums: array<vec2f, ${COLUMNS * SHARES}>;

@compute @workgroup_size(${COLUMNS}, ${SHARES})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let column = wid.x * ${COLUMNS}u + id.x;
  var sum = vec2f();
  if (column < ${cols}u) {
    for (var t = id.y; t < step.tokens; t += ${SHARES}u) {
      let value = g[t * ${cols}u + column];
      sum += value * vec2f(1.0, ${weight ? `(x[t * ${cols}u + column] - stats[t].x) * stats[t].y` : "0.0"});
    }
  }
  sums[i] = sum;
  workgroupBarrier();
  if (id.y > 0u || column >= ${cols}u) { return; }
  for (var share = 1u; share < ${SHARES}u; share++) { sum += sums[share * ${COLUMNS}u + id.x]; }
  ${bias ? "dbias[column] += sum.x;" : ""}
  ${weight ? "dweight[column] += sum.y;" : ""}
}`,
  };
}
