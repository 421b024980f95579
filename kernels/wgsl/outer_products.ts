/**
 * Sums of outer products: what products have in common whose terms lie in rows.
 *
 * @module
 */
import { type Kernel, unrolled } from "./kernel.ts";

/** Rows and columns of a workgroup's tile, of which each of 16 × 16 invocations has 4 × 4. */
const TILE = 64;

/** Terms that are staged at a time. */
const TERMS = 16;

/** From a staged term to the next: one more than it has values, so that terms side by side meet in no bank. */
const STRIDE = TILE + 1;

/** One of two factors. */
export interface Factor {
  /** The binding, an `array<f32>`. */
  readonly array: string;
  /** How many values each term has of it: WGSL of a number. */
  readonly count: string;
  /** Whether a value's terms are side by side, and not a term's values. */
  readonly turned?: boolean;
}

/** A sum of products. */
export interface OuterProducts {
  /** Its name in profiles and errors. */
  readonly name: string;
  /** Its tiles. */
  readonly workgroups: Kernel["workgroups"];
  /** WGSL of the bindings. */
  readonly declare: string;
  /** WGSL of the number of terms. */
  readonly terms: string;
  /** What gives rows. */
  readonly left: Factor;
  /** What gives columns. */
  readonly right: Factor;
  /** WGSL before the first term. */
  readonly begin?: string;
  /** WGSL that writes a `value` of row `r` and column `c`, both in bounds. */
  readonly write: (value: string) => string;
}

/** How many tiles so many rows or columns take. */
export const tilesOf = (count: number) => Math.ceil(count / TILE);

/** WGSL that stages some terms of a factor from row or column `from` on; 0 where there are none. */
function stage(name: string, factor: Factor, { terms, from }: { terms: string; from: string }): string {
  const { array, count, turned } = factor;
  const [value, term] = [`min(${from} + c, ${count} - 1u)`, `min(k + t, ${terms} - 1u)`];
  const at = turned ? `${value} * ${terms} + ${term}` : `${term} * ${count} + ${value}`;
  return unrolled(TILE * TERMS / 256, (n) =>
    `{
      let t = ${turned ? "i % 16u" : `i / ${TILE}u + ${256 / TILE * n}u`};
      let c = ${turned ? `i / 16u + ${16 * n}u` : `i % ${TILE}u`};
      ${name}[t * ${STRIDE}u + c] = select(0.0, ${array}[${at}], k + t < ${terms} && ${from} + c < ${count});
    }`);
}

/**
 * A workgroup computes a tile of 64 × 64. Elements of an invocation are 16 apart: neighbouring invocations have neighbouring
 * columns.
 */
export function outerProducts(work: OuterProducts): Kernel {
  const { name, workgroups, declare, terms, left, right, begin = "", write } = work;
  const four = [0, 1, 2, 3];
  return {
    name,
    workgroups,
    code: `${declare}
var<workgroup> left: array<f32, ${STRIDE * TERMS}>;
var<workgroup> right: array<f32, ${STRIDE * TERMS}>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  ${begin}
  let row = wid.y * ${TILE}u;
  let column = wid.x * ${TILE}u;
  let across = i % 16u;
  let down = i / 16u;
  ${unrolled(4, (r) => four.map((c) => `var a${r}_${c} = 0.0;`).join(" "))}
  for (var k = 0u; k < ${terms}; k += ${TERMS}u) {
    ${stage("left", left, { terms, from: "row" })}
    ${stage("right", right, { terms, from: "column" })}
    workgroupBarrier();
    for (var t = 0u; t < ${STRIDE * TERMS}u; t += ${STRIDE}u) {
      ${unrolled(4, (c) => `let b${c} = right[t + across + ${16 * c}u];`)}
      ${
      unrolled(4, (r) => {
        const sums = four.map((c) => `a${r}_${c} += a * b${c};`);
        return `{ let a = left[t + down + ${16 * r}u]; ${sums.join(" ")} }`;
      })
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
    if (r < ${left.count} && c < ${right.count}) { ${write(`a${r}_${c}`)} }
  }`
        ).join("\n"))
    }
}`,
  };
}
