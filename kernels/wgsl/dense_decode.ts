/**
 * Dense weights and few tokens.
 *
 * @module
 */
import { activations, activationsType, bindings } from "./bindings.ts";
import { type DenseShape, weights, weightsType } from "./dense.ts";
import { type Kernel, line, unrolled, workgroupIndex } from "./kernel.ts";
import { reduction } from "./reduction.ts";
import { outAt, plusBias, threadsFor } from "./table.ts";

/** What the kernel can vary; all of it but tokens is for a tuner to choose. */
export interface DenseOptions {
  /** Tokens, 1 … 8. */
  readonly tokens: number;
  /** Rows of a workgroup: 4 when absent, 2 for many tokens. */
  readonly rows?: number;
  /** Invocations of a workgroup; by the number of columns when absent. */
  readonly threads?: number;
  /** Least size of the device's subgroups; without them when absent. */
  readonly subgroupSize?: number;
}

/**
 * A workgroup for several rows, its invocations sharing the columns, eight at a time: neighbours load neighbouring 16
 * bytes of F16 or BF16 weights, activations are loaded once for all rows, and sums are added in a tree or by subgroups.
 * Bindings: dense.ts.
 */
export function denseDecode(shape: DenseShape, options: DenseOptions): Kernel {
  const { cols, dtype } = shape;
  const { tokens, rows = tokens > 4 ? 2 : 4 } = options;
  const chunks = Math.ceil(cols / 8);
  const threads = options.threads ?? threadsFor(chunks);
  const values = Array.from({ length: rows * tokens }, (_, j) => `a${j % rows}_${Math.floor(j / rows)}`);
  const sums = reduction(values, { threads, subgroupSize: options.subgroupSize });
  const count = Math.ceil(shape.rows / rows);
  return {
    name: `dense ${shape.rows}×${cols} ${dtype}`,
    features: sums.features,
    workgroups: () => line(count),
    code: `${
      bindings({
        out: "array<f32>",
        x: activationsType(cols),
        weights: weightsType(shape),
        ...(shape.bias ? { bias: "array<f32>" } : {}),
      })
    }
${activations(cols)}
${weights(shape)}
${sums.declare}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32${sums.parameters},
) {
  let row = ${workgroupIndex} * ${rows}u;
  ${unrolled(rows, (r) => `let row${r} = min(row + ${r}u, ${shape.rows - 1}u);`)}
  ${values.map((value) => `var ${value} = 0.0;`).join(" ")}
  for (var k = i; k < ${chunks}u; k += ${threads}u) {
    let c = 8u * k;
    ${unrolled(rows, (r) => `let w${r} = load8(row${r}, c);`)}
    ${
      unrolled(tokens, (t) => {
        const products = Array.from(
          { length: rows },
          (_, r) => `a${r}_${t} += dot(w${r}.a, xa) + dot(w${r}.b, xb);`,
        );
        return `{ let xa = load4(${t}u, c); let xb = load4(${t}u, c + 4u); ${products.join(" ")} }`;
      })
    }
  }
  ${sums.reduce}
  for (var j = i; j < ${rows * tokens}u; j += ${threads}u) {
    let r = row + j % ${rows}u;
    if (r < ${shape.rows}u) {
      ${outAt(shape, { t: `(j / ${rows}u)`, row: "r" })} = ${sums.total("j")}${plusBias(shape, "r")};
    }
  }
}`,
  };
}
