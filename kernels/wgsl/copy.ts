/**
 * A copy, to measure the other kernels by: none can be faster than the bytes that it reads.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type Kernel, line, workgroupIndex } from "./kernel.ts";

/** Invocations of a workgroup. */
const THREADS = 256;

/** Vectors of four words that an invocation copies. */
const EACH = 4;

/** out = source. Bindings: out [words] (u32), source [words] (u32); words are a multiple of 4. Neighbours copy neighbouring vectors. */
export function copy({ words }: { words: number }): Kernel {
  const vectors = words / 4;
  return {
    name: `copy ${words}`,
    workgroups: () => line(Math.ceil(vectors / (EACH * THREADS))),
    code: `${bindings({ out: "array<vec4u>", source: "array<vec4u>" })}

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let first = ${workgroupIndex} * ${EACH * THREADS}u + i;
  for (var j = 0u; j < ${EACH}u; j++) {
    let at = first + j * ${THREADS}u;
    if (at < ${vectors}u) { out[at] = source[at]; }
  }
}`,
  };
}
