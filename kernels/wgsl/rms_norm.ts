/**
 * Root mean square norm.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/**
 * out[t] = x[t] / √(mean x[t]² + epsilon) · weight (Zhang and Sennrich 2019, equation 4).
 *
 * Bindings: out [tokens, cols], x [tokens, cols], weight [cols]. A workgroup a token: every thread adds up the squares
 * of every 128th value, then the sums are added in a tree.
 */
export function rmsNorm(shape: { cols: number; epsilon: number }): Kernel {
  const { cols, epsilon } = shape;
  return {
    name: `rms_norm ${cols}`,
    workgroups: (tokens) => [tokens, 1, 1],
    code: `@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
var<workgroup> sums: array<f32, ${THREADS}>;

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = wid.x * ${cols}u;
  var sum = 0.0;
  for (var c = i; c < ${cols}u; c += ${THREADS}u) { sum += x[row + c] * x[row + c]; }
  sums[i] = sum;
  workgroupBarrier();
  for (var n = ${THREADS / 2}u; n > 0u; n /= 2u) {
    if (i < n) { sums[i] += sums[i + n]; }
    workgroupBarrier();
  }
  let factor = 1.0 / sqrt(sums[0] / ${cols}.0 + ${epsilon.toExponential()});
  for (var c = i; c < ${cols}u; c += ${THREADS}u) { out[row + c] = x[row + c] * factor * weight[c]; }
}`,
  };
}
