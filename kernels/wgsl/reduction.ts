/**
 * Sums over the invocations of a workgroup.
 *
 * WebGPU zeroes workgroup memory before a kernel starts, on some devices by one invocation: the less, the sooner.
 *
 * @module
 */
import { unrolled } from "./kernel.ts";

/** A way to add up. */
export interface Reduction {
  /** Features that it needs. */
  readonly features: readonly string[];
  /** WGSL at module scope. */
  readonly declare: string;
  /** WGSL of further parameters of `main`. */
  readonly parameters: string;
  /** WGSL, run by all invocations `i`, after which {@linkcode Reduction.total} holds. */
  readonly reduce: string;
  /** WGSL of a value's sum over all invocations, for any of them and a value's number. */
  readonly total: (value: string) => string;
}

/** Everyone's values side by side in workgroup memory, halved log2(threads) times. Runs everywhere. */
export function tree(values: readonly string[], { threads }: { threads: number }): Reduction {
  const n = values.length;
  return {
    features: [],
    declare: `var<workgroup> sums: array<f32, ${n * threads}>;`,
    parameters: "",
    reduce: `${unrolled(n, (j) => `sums[${j * threads}u + i] = ${values[j]};`)}
workgroupBarrier();
for (var n = ${threads / 2}u; n > 0u; n /= 2u) {
  if (i < n) {
${unrolled(n, (j) => `sums[${j * threads}u + i] += sums[${j * threads}u + i + n];`)}
  }
  workgroupBarrier();
}`,
    total: (value) => `sums[${value} * ${threads}u]`,
  };
}

/**
 * Subgroups add up among themselves without memory or barriers, then whoever needs a sum adds the few of the subgroups.
 * `least` is the smallest size that the device's subgroups may have; what they really have is asked in the kernel.
 */
export function subgroups(
  values: readonly string[],
  { threads, least }: { threads: number; least: number },
): Reduction {
  const n = values.length;
  const most = Math.max(1, Math.ceil(threads / least));
  return {
    features: ["subgroups"],
    declare: `var<workgroup> sums: array<f32, ${n * most}>;
fn total(at: u32, count: u32) -> f32 {
  var sum = 0.0;
  for (var s = 0u; s < count; s++) { sum += sums[at + s]; }
  return sum;
}`,
    parameters: `, @builtin(subgroup_id) subgroup: u32, @builtin(num_subgroups) subgroupCount: u32,
  @builtin(subgroup_invocation_id) lane: u32`,
    reduce: `${unrolled(n, (j) => `let g${j} = subgroupAdd(${values[j]});`)}
if (lane == 0u) {
${unrolled(n, (j) => `sums[${j * most}u + subgroup] = g${j};`)}
}
workgroupBarrier();`,
    total: (value) => `total(${value} * ${most}u, subgroupCount)`,
  };
}
