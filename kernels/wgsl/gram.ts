/**
 * Sums of outer products, for the Hessians of linears.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type Kernel, unrolled } from "./kernel.ts";

/** Rows and columns of a workgroup's tile, of which each of 16 × 16 invocations has 4 × 4. */
const TILE = 64;

/** Tokens that are staged at a time. */
const TOKENS = 16;

/**
 * sum += xᵀ x: tiles of 64 × 64 on and above the diagonal, each written a second time as its mirror, so that an element is
 * one invocation's. Elements of a tile are 16 apart: neighbouring invocations have neighbouring columns.
 *
 * Bindings: sum [cols, cols], x [tokens, cols], step.
 */
export function gram(shape: { cols: number }): Kernel {
  const { cols } = shape;
  const tiles = Math.ceil(cols / TILE);
  const stage = (name: string, from: string) =>
    unrolled(TILE * TOKENS / 256, (n) =>
      `{
      let t = i / ${TILE}u + ${256 / TILE * n}u;
      let c = ${from} + i % ${TILE}u;
      ${name}[i + ${256 * n}u] = select(0.0, x[min(k + t, step.tokens - 1u) * ${cols}u + min(c, ${
        cols - 1
      }u)], k + t < step.tokens && c < ${cols}u);
    }`);
  const four = [0, 1, 2, 3];
  return {
    name: `gram ${cols}`,
    workgroups: () => [tiles, tiles, 1],
    code: `${bindings({ sum: "array<f32>", x: "array<f32>", step: "Step" })}
var<workgroup> left: array<f32, ${TILE * TOKENS}>;
var<workgroup> right: array<f32, ${TILE * TOKENS}>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  if (wid.x < wid.y) { return; }
  let row = wid.y * ${TILE}u;
  let column = wid.x * ${TILE}u;
  let across = i % 16u;
  let down = i / 16u;
  ${unrolled(4, (r) => four.map((c) => `var a${r}_${c} = 0.0;`).join(" "))}
  for (var k = 0u; k < step.tokens; k += ${TOKENS}u) {
    ${stage("left", "row")}
    ${stage("right", "column")}
    workgroupBarrier();
    for (var t = 0u; t < ${TOKENS}u; t++) {
      ${unrolled(4, (c) => `let b${c} = right[t * ${TILE}u + across + ${16 * c}u];`)}
      ${
      unrolled(4, (r) =>
        `{ let a = left[t * ${TILE}u + down + ${16 * r}u]; ${
          four.map((c) =>
            `a${r}_${c} += a * b${c};`
          ).join(" ")
        } }`)
    }
    }
    workgroupBarrier();
  }
  ${
      unrolled(4, (r) =>
        four.map((c) =>
          `{
    let r = row + down + ${16 * r}u;
    let c = column + across + ${16 * c}u;
    if (r < ${cols}u && c < ${cols}u) {
      let value = sum[r * ${cols}u + c] + a${r}_${c};
      sum[r * ${cols}u + c] = value;
      if (wid.x > wid.y) { sum[c * ${cols}u + r] = value; }
    }
  }`
        ).join("\n"))
    }
}`,
  };
}
