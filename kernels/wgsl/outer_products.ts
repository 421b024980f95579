/**
 * Sums of outer products: what products have in common whose terms lie in rows.
 *
 * @module
 */
import { type Kernel, unrolled } from "./kernel.ts";
import { vectors } from "./vectors.ts";

/** Rows and columns of a workgroup's tile, of which each of 16 × 16 invocations has 4 × 4. */
const TILE = 64;

/** Terms that are staged at a time. */
const TERMS = 16;

/** From a staged term to the next, in fours of values: one more than it has, so that terms side by side meet in no bank. */
const STRIDE = TILE / 4 + 1;

/** One of two factors. */
export interface Factor {
  /** The binding: [terms, values], of the type that `termType` says; or, `turned`, [tokens, terms] singles. */
  readonly array: string;
  /** How many values each term has: so many, or one of each token. */
  readonly values: number | "turned";
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

/** WGSL type of a factor's binding that has so many values a term. */
export const termType = (values: number) => `array<${vectors(values).type}>`;

/** WGSL of how many values a term has. */
const countOf = ({ values }: Factor) => values === "turned" ? "step.tokens" : `${values}u`;

/** WGSL that stages some terms of a factor, four values an invocation, from row or column `from` on; 0 where there are none. */
function stage(name: string, factor: Factor, { terms, from }: { terms: string; from: string }): string {
  const { array, values } = factor;
  const count = countOf(factor);
  const term = `min(t, ${terms} - 1u)`;
  const value = (c: string) => `min(${c}, ${count} - 1u)`;
  const single = (n: number) => {
    const c = `c + ${n}u`;
    const at = values === "turned" ? `${value(c)} * ${terms} + ${term}` : `${term} * ${count} + ${value(c)}`;
    return `select(0.0, ${array}[${at}], t < ${terms} && ${c} < ${count})`;
  };
  const four = values !== "turned" && values % 4 === 0
    ? `select(vec4f(), ${array}[${term} * ${values / 4}u + ${value("c")} / 4u], t < ${terms} && c < ${count})`
    : `vec4f(${[0, 1, 2, 3].map(single).join(",\n      ")})`;
  // Neighbouring invocations load what is side by side.
  const [down, across] = values === "turned" ? ["i % 16u", "i / 16u"] : ["i / 16u", "i % 16u"];
  return `{
      let t = k + ${down};
      let c = ${from} + 4u * (${across});
      ${name}[${down} * ${STRIDE}u + ${across}] = ${four};
    }`;
}

/** A workgroup computes a tile of 64 × 64. */
export function outerProducts(work: OuterProducts): Kernel {
  const { name, workgroups, declare, terms, left, right, begin = "", write } = work;
  const four = ["x", "y", "z", "w"];
  return {
    name,
    workgroups,
    code: `${declare}
var<workgroup> left: array<vec4f, ${STRIDE * TERMS}>;
var<workgroup> right: array<vec4f, ${STRIDE * TERMS}>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) i: u32) {
  ${begin}
  let row = wid.y * ${TILE}u;
  let column = wid.x * ${TILE}u;
  ${unrolled(4, (r) => `var sum${r} = vec4f();`)}
  for (var k = 0u; k < ${terms}; k += ${TERMS}u) {
    ${stage("left", left, { terms, from: "row" })}
    ${stage("right", right, { terms, from: "column" })}
    workgroupBarrier();
    for (var t = 0u; t < ${STRIDE * TERMS}u; t += ${STRIDE}u) {
      let a = left[t + i / 16u];
      let b = right[t + i % 16u];
      ${unrolled(4, (r) => `sum${r} += a.${four[r]} * b;`)}
    }
    workgroupBarrier();
  }
  ${
      unrolled(4, (r) =>
        four.map((axis, c) =>
          `{
    let r = row + i / 16u * 4u + ${r}u;
    let c = column + i % 16u * 4u + ${c}u;
    if (r < ${countOf(left)} && c < ${countOf(right)}) { ${write(`sum${r}.${axis}`)} }
  }`
        ).join("\n"))
    }
}`,
  };
}
