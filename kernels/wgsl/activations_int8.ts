/**
 * Activations as bytes, for the kernels that multiply bytes.
 *
 * @module
 */
import { activations, activationsType, bindings } from "./bindings.ts";
import type { Kernel } from "./kernel.ts";

/** Columns that share a scale. */
export const INT8_GROUP = 32;

/** Invocations of a workgroup. */
const THREADS = 64;

/**
 * Rounds x[t, c] to scale · q with whole q of −127 … 127, scale = max |x| / 127 over 32 columns of a token, so that one
 * outlier costs its neighbours precision and nobody else.
 *
 * Bindings: q [tokens, ⌈cols / 32⌉ · 8] words of four signed bytes, sums [tokens, ⌈cols / 32⌉] vec2f of (scale, Σ x),
 * x f32 [tokens, cols], step. An invocation 32 columns of a token; those beyond the last are 0.
 */
export function activationsInt8({ cols }: { cols: number }): Kernel {
  const groups = Math.ceil(cols / INT8_GROUP);
  return {
    name: `activations int8 ${cols}`,
    workgroups: (tokens) => [Math.ceil(groups / THREADS), tokens, 1],
    code: `${
      bindings({
        q: "array<vec4u>",
        sums: "array<vec2f>",
        x: activationsType(cols),
        step: "Step",
      }, { writes: 2 })
    }
${activations(cols)}

@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.y;
  if (id.x >= ${groups}u || t >= step.tokens) { return; }
  let c = ${INT8_GROUP}u * id.x;
${fours((j) => `let v${j} = load4(t, c + ${4 * j}u);`)}
  let largest = ${combine("max", (j) => `abs(v${j})`)};
  let scale = max(max(largest.x, largest.y), max(largest.z, largest.w)) / 127.0;
  let inverse = select(0.0, 1.0 / scale, scale > 0.0);
${fours((j) => `let b${j} = pack4xI8(vec4i(round(v${j} * inverse)));`)}
  let at = t * ${groups}u + id.x;
  q[2u * at] = vec4u(b0, b1, b2, b3);
  q[2u * at + 1u] = vec4u(b4, b5, b6, b7);
  sums[at] = vec2f(scale, dot(${fourSum()}, vec4f(1.0)));
}`,
  };
}

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];

function fours(line: (j: number) => string): string {
  return EIGHT.map((j) => `  ${line(j)}`).join("\n");
}

function combine(name: string, value: (j: number) => string): string {
  return EIGHT.map(value).reduce((a, b) => `${name}(${a}, ${b})`);
}

function fourSum(): string {
  return EIGHT.map((j) => `v${j}`).join(" + ");
}
