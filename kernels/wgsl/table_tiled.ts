/**
 * Packed weights and many tokens.
 *
 * @module
 */
import { activations, activationsType, type Element } from "./bindings.ts";
import type { Kernel } from "./kernel.ts";
import { chunkFits, groups, tableBindings, type TableShape } from "./table.ts";
import { TILE_THREADS, tileKernel } from "./tile.ts";

/** Rows of a tile. */
const ROWS = 64;

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
  return vec2u(codes[at] >> shift | next, 0u);
}`;
}

/**
 * Tiles of 64 tokens by 64 rows (tile.ts): a weight is made once for 64 tokens, scale, zero and all, so that what
 * follows is the dense product. Any bits, any groups, any number of tokens. Bindings: table.ts, then the step.
 *
 * Tables of up to 4 bits lie in workgroup memory, 4 KB for 64 rows; those of 8 bits, 64 KB, stay where they are, one for
 * all rows excepted. With the element f16, tiles and products are halves and sums are singles.
 */
export function tableTiled(shape: TableShape, { element = "f32" }: { element?: Element } = {}): Kernel {
  const { rows, cols, bits, groupSize, perRow } = shape;
  const values = 2 ** bits;
  const tables = perRow ? ROWS : 1;
  const staged = tables * values <= 1024;
  const value = (j: number) => {
    const word = bits === 8 && j > 3 ? "codes8.y" : "codes8.x";
    const code = `(${word} >> ${bits === 8 ? 8 * (j % 4) : bits * j}u) & ${values - 1}u`;
    return staged ? `lut[${perRow ? `(i / 4u) * ${values}u + (` : "("}${code})]` : `valueAt(r, ${code})`;
  };
  const four = (from: number) => `vec4f(${[0, 1, 2, 3].map((j) => value(from + j)).join(", ")})`;
  const scale = (c: string) => `scaleAt(r * ${groups(shape)}u + min(${c}, ${cols - 1}u) / ${groupSize}u)`;
  // A scale for eight columns, or one for each.
  const scaled = chunkFits(shape, 8)
    ? `let q = ${scale("c")}; let wa = q.x * ${four(0)} + q.y; let wb = q.x * ${four(4)} + q.y;`
    : [0, 1, 2, 3, 4, 5, 6, 7].map((j) => `let q${j} = ${scale(`c + ${j}u`)};`).join(" ") +
      ["a", "b"].map((part, p) => {
        const of = (axis: string) => `vec4f(${[0, 1, 2, 3].map((j) => `q${4 * p + j}.${axis}`).join(", ")})`;
        return `let w${part} = ${of("x")} * ${four(4 * p)} + ${of("y")};`;
      }).join(" ");
  return tileKernel(shape, {
    name: `table tiled ${rows}×${cols} ${bits} bits ${element}`,
    declare: `${tableBindings(shape, { x: activationsType(cols), codes: "array<u32>", step: true })}
${activations(cols)}
${eight(shape)}
${staged ? `var<workgroup> lut: array<f32, ${tables * values}>;` : ""}`,
    // The barrier after the first tile is staged comes too late: staging looks up.
    begin: staged
      ? `for (var e = i; e < ${tables * values}u; e += ${TILE_THREADS}u) {
    lut[e] = valueAt(min(row + e / ${values}u, ${rows - 1}u), e % ${values}u);
  }
  workgroupBarrier();`
      : "",
    stage: `let codes8 = eight(r, c);
      ${scaled}`,
    element,
  });
}
