/**
 * Shared parts of the kernels of many tokens: a workgroup computes a tile of tokens by rows, 32 columns at a time.
 *
 * Invocations stage activations and weights of 32 columns in workgroup memory; then each adds up 4 tokens by 4 rows in
 * registers, or 8 by 8: 64 multiply-adds for 8 loads of four values, or 256 for 16. What is staged lies as it came,
 * columns side by side, so that nothing is transposed; a row takes nine vec4 instead of eight, so that neighbouring
 * invocations, which read the same columns of neighbouring rows, meet in no bank.
 *
 * @module
 */
import { addDot, type Element } from "./bindings.ts";
import { enables, type Kernel, unrolled } from "./kernel.ts";
import { type LinearShape, write } from "./linear.ts";

/** Rows of a tile: as many as it has tokens, but for the smallest. */
export function tileRows(tile: number): number {
  return Math.max(tile, 64);
}

/** A staged row, in fours of values: eight, and one against bank conflicts. */
const STRIDE = 9;

/** Bytes of workgroup memory that a tile takes, with a table of 16 values for each row. */
export function tileBytes(tile: number, element: Element): number {
  return (tile + tileRows(tile)) * STRIDE * (element === "f16" ? 8 : 16) + tileRows(tile) * 64;
}

/** Parameters that the tuner chooses. */
export interface TileOptions {
  /** The type of products; f32 when absent. */
  readonly element?: Element;
  /** Tokens of a tile: 64 when absent; 16 waste less where tokens are few, 128 read what is staged half as often. */
  readonly tile?: 16 | 64 | 128;
}

/** The staging of weights. */
export interface Staging {
  /** The kernel's name. */
  readonly name: string;
  /** WGSL at module scope: bindings, with `step`, and `load4`, and what they need. */
  readonly declare: string;
  /** WGSL before the first columns, given the number of invocations `i`; `row` is the tile's first row. */
  readonly begin?: (threads: number) => string;
  /**
   * WGSL that sets `wa` and `wb`, vec4f, to the weights of row `r`, not beyond the last, the n-th of the tile, in
   * columns c … c + 7, c a multiple of 8 that may be beyond the last: there anything finite will do.
   */
  readonly stage: (n: string) => string;
}

/** The kernel of a tile with weights staged in any way. Its last binding is the step. */
export function tileKernel(
  shape: LinearShape,
  { name, declare, begin, stage }: Staging,
  { element = "f32", tile = 64 }: TileOptions,
): Kernel {
  const { rows, cols } = shape;
  // 16 invocations for the rows, at most as many for the tokens, each of which computes a block of them.
  const threads = Math.min(4 * tile, 256);
  const down = threads / 16;
  const [tokensEach, rowsEach] = [tile / down, tileRows(tile) / 16];
  const block = (make: (t: number, r: number) => string) =>
    unrolled(tokensEach, (t) => Array.from({ length: rowsEach }, (_, r) => make(t, r)).join(" "));
  const four = `vec4<${element}>`;
  const narrowed = (value: string) => element === "f16" ? `vec4h(${value})` : value;
  const features = element === "f16" ? ["shader-f16"] : [];
  return {
    name: `${name} ${tile} ${rows}×${cols} ${element}`,
    features,
    // Tiles of the same rows follow one another, so that weights that are read again are still in a cache.
    workgroups: (tokens) => [Math.ceil(tokens / tile), Math.ceil(rows / tileRows(tile)), 1],
    code: `${enables(features)}${declare}
var<workgroup> xs: array<${four}, ${tile * STRIDE}>;
var<workgroup> ws: array<${four}, ${tileRows(tile) * STRIDE}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  let token = wid.x * ${tile}u;
  let row = wid.y * ${tileRows(tile)}u;
  let across = i % 16u;
  let down = i / 16u;
  ${begin?.(threads) ?? ""}
  ${block((t, r) => `var a${t}_${r} = 0.0;`)}
  for (var k = 0u; k < ${cols}u; k += 32u) {
    // Eight invocations load 32 neighbouring columns of a token.
    ${
      unrolled(8 * tile / threads, (n) =>
        `{
      let t = i / 8u + ${n * threads / 8}u;
      xs[t * ${STRIDE}u + i % 8u] = ${narrowed("load4(min(token + t, step.tokens - 1u), k + 4u * (i % 8u))")};
    }`)
    }
    // Four invocations make eight neighbouring weights each of a row.
    ${
      unrolled(4 * tileRows(tile) / threads, (n) =>
        `{
      let n = i / 4u + ${n * threads / 4}u;
      let r = min(row + n, ${rows - 1}u);
      let c = k + 8u * (i % 4u);
      ${stage("n")}
      let at = n * ${STRIDE}u + 2u * (i % 4u);
      ws[at] = ${narrowed("wa")};
      ws[at + 1u] = ${narrowed("wb")};
    }`)
    }
    workgroupBarrier();
    for (var q = 0u; q < 8u; q++) {
      // Rows 16 apart: neighbouring invocations have neighbouring rows, here and when they write.
      ${unrolled(rowsEach, (r) => `let w${r} = ws[(across + ${16 * r}u) * ${STRIDE}u + q];`)}
      ${
      unrolled(tokensEach, (t) => {
        const products = Array.from({ length: rowsEach }, (_, r) =>
          addDot(`a${t}_${r}`, ["x", `w${r}`], element));
        return `{ let x = xs[(down + ${down * t}u) * ${STRIDE}u + q]; ${products.join(" ")} }`;
      })
    }
    }
    workgroupBarrier();
  }
  ${
      unrolled(rowsEach, (r) =>
        `{
    let r = row + across + ${16 * r}u;
    ${
          unrolled(tokensEach, (t) => {
            const written = write(shape, { t: "t", row: "r", value: `a${t}_${r}` });
            return `{ let t = token + down + ${
              down * t
            }u; if (r < ${rows}u && t < step.tokens) { ${written} } }`;
          })
        }
  }`)
    }
}`,
  };
}
