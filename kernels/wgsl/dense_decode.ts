/**
 * Dense weights and few tokens.
 *
 * @module
 */
import { activations, activationsType, addDot, bindings } from "./bindings.ts";
import { type DenseShape, weights, weightsType } from "./dense.ts";
import { enables, type Kernel, unrolled } from "./kernel.ts";
import { rowsFor, rowsMain, threadsFor } from "./linear.ts";

/** Parameters of the kernel; a tuner chooses all but tokens. */
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
  const { tokens, rows = rowsFor(tokens), subgroupSize } = options;
  const chunks = Math.ceil(cols / 8);
  const products = (t: number) =>
    unrolled(
      rows,
      (r) => `${addDot(`a${r}_${t}`, [`w${r}.a`, "xa"])} ${addDot(`a${r}_${t}`, [`w${r}.b`, "xb"])}`,
    );
  const { code, ...start } = rowsMain(shape, {
    rows,
    tokens,
    threads: options.threads ?? threadsFor(chunks),
    chunks,
    subgroupSize,
    add: `let c = 8u * k;
${unrolled(rows, (r) => `let w${r} = load8(row${r}, c);`)}
${unrolled(tokens, (t) => `{ let xa = load4(${t}u, c); let xb = load4(${t}u, c + 4u); ${products(t)} }`)}`,
  });
  return {
    name: `dense ${shape.rows}×${cols} ${dtype}`,
    ...start,
    code: `${enables(start.features)}${
      bindings({
        out: "array<f32>",
        x: activationsType(cols),
        weights: weightsType(shape),
        ...(shape.bias ? { bias: "array<f32>" } : {}),
      })
    }
${activations(cols)}
${weights(shape)}
${code}`,
  };
}
