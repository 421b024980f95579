/**
 * Packed weights and many tokens.
 *
 * @module
 */
import { activations, activationsType } from "./bindings.ts";
import { type Kernel, unrolled } from "./kernel.ts";
import { bitsAt, chunkFits, groups, tableBindings, type TableShape } from "./table.ts";
import { tileKernel, type TileOptions, tileRows } from "./tile.ts";

/** WGSL of `eight(row, c)`: the codes of columns c … c + 7, c a multiple of 8, as a stream in two words. */
function eight({ cols, bits }: TableShape): string {
  const wordsPerRow = Math.ceil(cols / 32) * bits;
  // Eight codes of b bits are b bytes, and start on a byte.
  const head = `fn eight(row: u32, c: u32) -> vec2u {
  let at = row * ${wordsPerRow}u + c * ${bits}u / 32u;
  let shift = c * ${bits}u % 32u;`;
  if (bits === 8) return `${head} return vec2u(codes[at], codes[at + 1u]); }`;
  if (bits !== 3) return `${head} return vec2u(codes[at] >> shift, 0u); }`;
  return `${head}
  let next = select(0u, codes[at + 1u] << ((32u - shift) % 32u), shift > 8u);
  return vec2u((codes[at] >> shift) | next, 0u);
}`;
}

/**
 * Tiles of 64 or 16 tokens by 64 rows (tile.ts): a weight is made once for all tokens of a tile, scale, zero and all,
 * so that what follows is the dense product. Any bits, any groups, any number of tokens. Bindings: table.ts, then the
 * step.
 *
 * Tables of up to 4 bits lie in workgroup memory, 4 KB for 64 rows; those of 8 bits, 64 KB, stay where they are, one
 * for all rows excepted. With the element f16, what is staged and products are halves, and sums are singles.
 */
export function tableTiled(shape: TableShape, options: TileOptions = {}): Kernel {
  const { rows, cols, bits, groupSize, perRow } = shape;
  const values = 2 ** bits;
  const tables = perRow ? tileRows(options.tile ?? 64) : 1;
  const staged = tables * values <= 2048;
  const value = (j: number, n: string) => {
    const code = bitsAt(["codes8.x", "codes8.y"], { offset: j * bits, count: bits });
    return staged ? `lut[${perRow ? `${n} * ${values}u + ` : ""}${code}]` : `valueAt(r, ${code})`;
  };
  const four = (from: number, n: string) =>
    `vec4f(${[0, 1, 2, 3].map((j) => value(from + j, n)).join(", ")})`;
  const scale = (c: string) => `scaleAt(r * ${groups(shape)}u + min(${c}, ${cols - 1}u) / ${groupSize}u)`;
  // A scale for eight columns, or one for each of them.
  const oneScale = chunkFits(shape, 8);
  const scales = unrolled(oneScale ? 1 : 8, (j) => `let q${j} = ${scale(`c + ${j}u`)};`);
  const axis = (from: number, name: "x" | "y") =>
    oneScale ? `q0.${name}` : `vec4f(${[0, 1, 2, 3].map((j) => `q${from + j}.${name}`).join(", ")})`;
  const scaled = (from: number, n: string) => `${axis(from, "x")} * ${four(from, n)} + ${axis(from, "y")}`;
  return tileKernel(shape, {
    name: `table tiled ${bits} bits`,
    declare: `${tableBindings(shape, { x: activationsType(cols), codes: "array<u32>", step: true })}
${activations(cols)}
${eight(shape)}
${staged ? `var<workgroup> lut: array<f32, ${tables * values}>;` : ""}`,
    begin: (threads) =>
      staged
        ? `for (var e = i; e < ${tables * values}u; e += ${threads}u) {
    lut[e] = valueAt(min(row + e / ${values}u, ${rows - 1}u), e % ${values}u);
  }
  workgroupBarrier();`
        : "",
    stage: (n) =>
      `let codes8 = eight(r, c);
${scales}
let wa = ${scaled(0, n)};
let wb = ${scaled(4, n)};`,
  }, options);
}
