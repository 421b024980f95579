/**
 * Layer norm, alone or with the residual connection before it.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type Kernel, unrolled } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** Parameters of the kernel. */
export interface LayerNormShape {
  /** Features. */
  readonly cols: number;
  /** Keeps the root from being 0. */
  readonly epsilon: number;
  /** Whether a bias is added in the end. */
  readonly bias: boolean;
  /** Whether something is added to x first. */
  readonly add?: boolean;
}

/**
 * out[t] = (x[t] − mean x[t]) / √(variance of x[t] + epsilon) · weight + bias (Ba et al. 2016, "Layer Normalization"); with
 * `add`, x += y before, in place.
 *
 * Bindings: out [tokens, cols], x [tokens, cols], weight [cols], bias [cols] where there is one, and y [tokens, cols] with
 * `add`. A workgroup a token; threads add up every 128th vector (256th where rows are long), then the sums are added in a
 * tree: first for the mean, then the squares of what is off it.
 */
export function layerNorm(shape: LayerNormShape): Kernel {
  const { cols, epsilon, bias, add = false } = shape;
  const { type, perRow, width } = vectors(cols);
  const values = `array<${type}>`;
  const types = {
    out: values,
    x: values,
    weight: values,
    ...(bias ? { bias: values } : {}),
    ...(add ? { y: values } : {}),
  };
  const threads = perRow > 512 ? 256 : 128;
  const one = width === 4 ? "dot(value, vec4f(1.0))" : "value";
  const square = width === 4 ? "dot(off, off)" : "off * off";
  const tree = unrolled(Math.log2(threads), (step) => {
    const n = threads >> (step + 1);
    return `  workgroupBarrier();
  if (i < ${n}u) { sums[i] += sums[i + ${n}u]; }`;
  }) + "\n  workgroupBarrier();";
  return {
    name: `layer_norm ${cols}${add ? " of a sum" : ""}`,
    workgroups: (tokens) => [tokens, 1, 1],
    code: `${bindings(types, { writes: add ? 2 : 1 })}
var<workgroup> sums: array<f32, ${threads}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = wid.x * ${perRow}u;
  var sum = 0.0;
  for (var c = i; c < ${perRow}u; c += ${threads}u) {
    let value = x[row + c]${add ? " + y[row + c]" : ""};
    ${add ? "x[row + c] = value;" : ""}
    sum += ${one};
  }
  sums[i] = sum;
${tree}
  let mean = sums[0] / ${cols}.0;
  workgroupBarrier();
  sum = 0.0;
  for (var c = i; c < ${perRow}u; c += ${threads}u) {
    let off = x[row + c] - mean;
    sum += ${square};
  }
  sums[i] = sum;
${tree}
  let factor = inverseSqrt(sums[0] / ${cols}.0 + ${epsilon.toExponential()});
  for (var c = i; c < ${perRow}u; c += ${threads}u) {
    out[row + c] = (x[row + c] - mean) * factor * weight[c]${bias ? " + bias[c]" : ""};
  }
}`,
  };
}
