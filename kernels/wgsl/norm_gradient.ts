/**
 * The way back through a norm, or what is added to all tokens.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type Kernel, line, workgroupIndex } from "./kernel.ts";
import { tree } from "./reduction.ts";
import { vectors } from "./vectors.ts";

/** Parameters of the kernel. */
export interface NormGradientShape {
  /** Features. */
  readonly cols: number;
  /** Keeps the root from being 0. */
  readonly epsilon: number;
  /** Whether means are subtracted. */
  readonly centered: boolean;
}

/** Invocations of a workgroup. */
const THREADS = 128;

/**
 * The gradient by a norm's input: with x̂ = (x − mean) · r, r = 1 / √(mean (x − mean)² + epsilon) and h = g · weight,
 * dx += r · (h − mean h − x̂ · mean(h · x̂)); where not `centered`, both first means are left out.
 *
 * Bindings: dx [tokens, cols], stats [tokens] (each one's mean and r, for `vectorGradient`), x [tokens, cols], weight [cols],
 * g [tokens, cols], step. A workgroup a token.
 */
export function normGradient({ cols, epsilon, centered }: NormGradientShape): Kernel {
  const { type, perRow, width } = vectors(cols);
  const values = `array<${type}>`;
  const types = { dx: values, stats: "array<vec2f>", x: values, weight: values, g: values, step: "Step" };
  const dot = (a: string, b: string) => width === 4 ? `dot(${a}, ${b})` : `${a} * ${b}`;
  const names = ["squares", "total", "along"];
  const { declare, reduce, total } = tree(names, { threads: THREADS });
  const each = (body: string) =>
    `for (var c = i; c < ${perRow}u; c += ${THREADS}u) {
    ${body}
  }`;
  const off = `let off = x[row + c] - mean;
    let h = g[row + c] * weight[c];`;
  return {
    name: `norm_gradient ${cols}${centered ? ", centered" : ""}`,
    workgroups: (tokens) => line(tokens),
    code: `${bindings(types, { writes: 2 })}
${declare}

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let token = ${workgroupIndex};
  if (token >= step.tokens) { return; }
  let row = token * ${perRow}u;
  var squares = 0.0;
  var total = 0.0;
  var along = 0.0;
  var mean = 0.0;
  ${
      centered
        ? `${each(`total += ${dot("x[row + c]", `${type}(1.0)`)};`)}
  ${reduce}
  mean = ${total("1u")} / ${cols}.0;
  total = 0.0;
  workgroupBarrier();`
        : ""
    }
  ${
      each(`${off}
    squares += ${dot("off", "off")};
    total += ${dot("h", `${type}(1.0)`)};
    along += ${dot("h", "off")};`)
    }
  ${reduce}
  let r = inverseSqrt(${total("0u")} / ${cols}.0 + ${epsilon.toExponential()});
  let shift = ${centered ? `${total("1u")} / ${cols}.0` : "0.0"};
  let pull = ${total("2u")} / ${cols}.0 * r * r;
  ${
      each(`${off}
    dx[row + c] += r * (h - shift - off * pull);`)
    }
  if (i == 0u) { stats[token] = vec2f(mean, r); }
}`,
  };
}

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
