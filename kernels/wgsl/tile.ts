/**
 * What the kernels of many tokens share: a tile of 64 tokens by 64 rows a workgroup, 32 columns at a time.
 *
 * 256 invocations stage 64 × 32 activations and 64 × 32 weights in workgroup memory; then each adds up 4 tokens by 4
 * rows in registers: 64 multiply-adds for 8 loads of four values. What is staged lies as it came, columns side by side,
 * so that nothing is transposed; a row takes nine vec4 instead of eight, so that neighbouring invocations, which read
 * the same columns of neighbouring rows, meet in no bank.
 *
 * @module
 */
import type { Element } from "./bindings.ts";
import { type Kernel, unrolled } from "./kernel.ts";
import { outAt, plusBias } from "./table.ts";

/** Invocations of a workgroup, a square of 16 × 16. */
export const TILE_THREADS = 256;

/** Tokens and rows of a tile. */
const TILE = 64;

/** Rows of the staged tiles, in fours of values: eight, and one against bank conflicts. */
export const STRIDE = 9;

/** How the tile's weights are staged. */
export interface Staging {
  /** What the kernel is called. */
  readonly name: string;
  /** WGSL at module scope: bindings, with `step` and `load4`, and what they need. */
  readonly declare: string;
  /** WGSL before the first columns; `row` is the tile's first row. */
  readonly begin?: string;
  /**
   * WGSL that sets `wa` and `wb`, vec4f, to the weights of row `r`, not beyond the last, in columns c … c + 7, c a multiple
   * of 8 that may be beyond the last: there anything finite will do.
   */
  readonly stage: string;
  /** How products are computed. */
  readonly element: Element;
}

/** Sizes of a weight. */
interface Sizes {
  readonly rows: number;
  readonly cols: number;
  readonly firstRow: number;
  readonly outCols: number;
  readonly bias: boolean;
}

/** The kernel of a tile with weights staged in any way. Its last binding is the step. */
export function tileKernel(shape: Sizes, { name, declare, begin = "", stage, element }: Staging): Kernel {
  const { rows, cols } = shape;
  const four = `vec4<${element}>`;
  const narrowed = (value: string) => element === "f16" ? `vec4h(${value})` : value;
  const dot = element === "f16" ? "f32(dot(a, b))" : "dot(a, b)";
  const [x, y] = [16, 16];
  return {
    name,
    features: element === "f16" ? ["shader-f16"] : [],
    // Tiles of the same rows follow one another, so that weights that are read again are still in a cache.
    workgroups: (tokens) => [Math.ceil(tokens / TILE), Math.ceil(rows / TILE), 1],
    code: `${element === "f16" ? "enable f16;" : ""}
${declare}
var<workgroup> xs: array<${four}, ${TILE * STRIDE}>;
var<workgroup> ws: array<${four}, ${TILE * STRIDE}>;

@compute @workgroup_size(${TILE_THREADS})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let token = wid.x * ${TILE}u;
  let row = wid.y * ${TILE}u;
  let tx = i % ${x}u;
  let ty = i / ${x}u;
  ${begin}
  ${unrolled(4, (t) => [0, 1, 2, 3].map((r) => `var a${t}_${r} = 0.0;`).join(" "))}
  for (var k = 0u; k < ${cols}u; k += 32u) {
    // Eight invocations load 32 neighbouring columns of a token.
    ${
      unrolled(2, (half) =>
        `{
      let t = i / 8u + ${32 * half}u;
      xs[t * ${STRIDE}u + i % 8u] = ${narrowed("load4(min(token + t, step.tokens - 1u), k + 4u * (i % 8u))")};
    }`)
    }
    // Four invocations take eight neighbouring columns each of a row.
    {
      let r = min(row + i / 4u, ${rows - 1}u);
      let c = k + 8u * (i % 4u);
      ${stage}
      ws[(i / 4u) * ${STRIDE}u + 2u * (i % 4u)] = ${narrowed("wa")};
      ws[(i / 4u) * ${STRIDE}u + 2u * (i % 4u) + 1u] = ${narrowed("wb")};
    }
    workgroupBarrier();
    for (var q = 0u; q < 8u; q++) {
      ${unrolled(4, (r) => `let w${r} = ws[(tx + ${x * r}u) * ${STRIDE}u + q];`)}
      ${
      unrolled(4, (t) => {
        const products = [0, 1, 2, 3].map((r) => `a${t}_${r} += ${dot.replace("b", `w${r}`)};`);
        return `{ let a = xs[(ty + ${y * t}u) * ${STRIDE}u + q]; ${products.join(" ")} }`;
      })
    }
    }
    workgroupBarrier();
  }
  ${
      unrolled(4, (r) =>
        `{
    let r = row + tx + ${x * r}u;
    if (r < ${rows}u) {
      ${
          unrolled(4, (t) =>
            `{ let t = token + ty + ${y * t}u; if (t < step.tokens) { ${
              outAt(shape, { t: "t", row: "r" })
            } = a${t}_${r}${plusBias(shape, "r")}; } }`)
        }
    }
  }`)
    }
}`,
  };
}
