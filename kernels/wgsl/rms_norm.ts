/**
 * Root mean square norm, alone or with the residual connection before it.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type Kernel, unrolled } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** Parameters of the kernel. */
export interface RmsNormShape {
  /** Features. */
  readonly cols: number;
  /** Keeps the root from being 0. */
  readonly epsilon: number;
  /** Whether something is added to x first. */
  readonly add?: boolean;
}

/**
 * out[t] = x[t] / √(mean x[t]² + epsilon) · weight (Zhang and Sennrich 2019, equation 4); with `add`, x += y before, in
 * place: what a decoder does between its blocks, in one kernel.
 *
 * Bindings: out [tokens, cols], x [tokens, cols], weight [cols], and y [tokens, cols] with `add`. A workgroup a token:
 * every thread adds up the squares of every 128th vector of values (256th where rows are long), then the sums are added
 * in a tree.
 */
export function rmsNorm(shape: RmsNormShape): Kernel {
  const { cols, epsilon, add = false } = shape;
  const { type, perRow, width } = vectors(cols);
  const values = `array<${type}>`;
  const threads = perRow > 512 ? 256 : 128;
  return {
    name: `rms_norm ${cols}${add ? " of a sum" : ""}`,
    workgroups: (tokens) => [tokens, 1, 1],
    code: `${
      bindings({ out: values, x: values, weight: values, ...(add ? { y: values } : {}) }, {
        writes: add ? 2 : 1,
      })
    }
var<workgroup> sums: array<f32, ${threads}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = wid.x * ${perRow}u;
  var sum = 0.0;
  for (var c = i; c < ${perRow}u; c += ${threads}u) {
    let value = x[row + c]${add ? " + y[row + c]" : ""};
    ${add ? "x[row + c] = value;" : ""}
    sum += ${width === 4 ? "dot(value, value)" : "value * value"};
  }
  sums[i] = sum;
${
      unrolled(Math.log2(threads), (step) => {
        const n = threads >> (step + 1);
        return `  workgroupBarrier();
  if (i < ${n}u) { sums[i] += sums[i + ${n}u]; }`;
      })
    }
  workgroupBarrier();
  let factor = inverseSqrt(sums[0] / ${cols}.0 + ${epsilon.toExponential()});
  for (var c = i; c < ${perRow}u; c += ${threads}u) { out[row + c] = x[row + c] * factor * weight[c]; }
}`,
  };
}
