/**
 * What the kernels share whose invocations each do one small thing, alone.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import { type Kernel, line, workgroupIndex } from "./kernel.ts";

/** Invocations of a workgroup. */
const THREADS = 128;

/** What is done, and how often. */
export interface Elementwise {
  /** Its name in profiles and errors. */
  readonly name: string;
  /** Names and WGSL types of the bindings, those that are written first; the step comes behind them. */
  readonly types: Readonly<Record<string, string>>;
  /** How many of them are written; 1 when absent. */
  readonly writes?: number;
  /** Invocations for each token. */
  readonly perToken: number;
  /** WGSL at module scope. */
  readonly declare?: string;
  /** WGSL that an invocation runs; `at` counts them through all tokens. */
  readonly body: string;
}

/** The kernel that runs `body` for each `at` of 0 … tokens · perToken − 1. */
export function elementwise(work: Elementwise): Kernel {
  const { name, types, writes, perToken, declare = "", body } = work;
  return {
    name,
    workgroups: (tokens) => line(Math.ceil(tokens * perToken / THREADS)),
    code: `${bindings({ ...types, step: "Step" }, { writes })}
${declare}

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let at = ${workgroupIndex} * ${THREADS}u + i;
  if (at >= step.tokens * ${perToken}u) { return; }
  ${body}
}`,
  };
}
