/**
 * The interface of WGSL kernels: a generator turns a shape into WGSL text and its numbers of workgroups.
 *
 * Every kernel's bindings are in group 0, numbered in the order in which its doc comment names them; what it writes is
 * `read_write`, the rest `read`. Numbers that change from call to call come last, in a uniform of the type
 * `Step` (bindings.ts); everything else is a constant in the text.
 *
 * @module
 */

/** One compute shader, ready to be compiled. Its entry point is "main". */
export interface Kernel {
  /** Its name in profiles and errors. */
  readonly name: string;
  /** WGSL. */
  readonly code: string;
  /** Device features without which it does not compile: "shader-f16", "subgroups". */
  readonly features?: readonly string[];
  /** Workgroups to start for so many tokens. */
  readonly workgroups: (tokens: number) => Workgroups;
}

/** Workgroups along x, y and z. */
export type Workgroups = readonly [number, number, number];

/** WGSL's names of the features that a text has to enable. */
const EXTENSIONS: Readonly<Record<string, string>> = { "shader-f16": "f16", "subgroups": "subgroups" };

/** WGSL that a text that needs these device features begins with. */
export function enables(features: readonly string[]): string {
  return features.map((name) => `enable ${EXTENSIONS[name]};\n`).join("");
}

/** Workgroups that WebGPU guarantees along one dimension. */
const MOST = 65535;

/**
 * A row of `count` workgroups, folded where there are more than one dimension holds; {@linkcode workgroupIndex} unfolds
 * it. The last few of a folded row may be too many: kernels compare the index with `count`.
 */
export function line(count: number): Workgroups {
  const y = Math.ceil(count / MOST);
  return [Math.ceil(count / y), y, 1];
}

/** WGSL of a workgroup's index in a {@linkcode line}, from @builtin(workgroup_id) and @builtin(num_workgroups). */
export const workgroupIndex = "(wid.y * nwg.x + wid.x)";

/** WGSL of `n` lines, the i-th made by `line`: loops that naga does not have to check. */
export function unrolled(n: number, line: (i: number) => string): string {
  return Array.from({ length: n }, (_, i) => line(i)).join("\n");
}
