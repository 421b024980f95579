/**
 * The column sums of activations for calibration.
 *
 * @module
 */
import { bindings } from "./bindings.ts";
import type { Kernel } from "./kernel.ts";

/** Columns of a workgroup, side by side in memory. */
const COLUMNS = 32;

/** Threads that share a column. */
const SHARES = 8;

/**
 * Σx, Σ|x| and Σx² of each column, nearly as exact as a sum in float64.
 *
 * Sums are compensated (Kahan 1965, "Further remarks on reducing truncation errors"): what an addition rounds away is
 * kept and goes into the next. A compiler that takes float arithmetic for that of real numbers sees that there is never
 * anything to keep, and some GPU's do; so the parts of it pass through `kept`, which changes nothing, but no compiler can
 * know that: it does not know that there are less than 2³¹ tokens.
 *
 * Bindings: out [3, cols], x [tokens, cols], step. A workgroup 32 columns; 8 threads share a column, then the first adds
 * up what they found.
 */
export function columnSums(shape: { cols: number }): Kernel {
  const { cols } = shape;
  return {
    name: `column_sums ${cols}`,
    workgroups: () => [Math.ceil(cols / COLUMNS), 1, 1],
    code: `${bindings({ out: "array<f32>", x: "array<f32>", step: "Step" })}
var<workgroup> sums: array<vec3f, ${COLUMNS * SHARES}>;
var<workgroup> losses: array<vec3f, ${COLUMNS * SHARES}>;

fn kept(value: vec3f) -> vec3f {
  return bitcast<vec3f>(bitcast<vec3u>(value) ^ vec3u(step.tokens >> 31u));
}

@compute @workgroup_size(${COLUMNS}, ${SHARES})
fn main(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let column = wid.x * ${COLUMNS}u + id.x;
  var sum = vec3f();
  var lost = vec3f(); // too much in the sum
  if (column < ${cols}u) {
    for (var t = id.y; t < step.tokens; t += ${SHARES}u) {
      let value = x[t * ${cols}u + column];
      let more = kept(vec3f(value, abs(value), value * value) - lost);
      let next = kept(sum + more);
      lost = kept(next - sum) - more;
      sum = next;
    }
  }
  sums[i] = sum;
  losses[i] = lost;
  workgroupBarrier();
  if (id.y > 0u || column >= ${cols}u) { return; }
  for (var share = 1u; share < ${SHARES}u; share++) {
    let other = share * ${COLUMNS}u + id.x;
    let more = kept(sums[other] - losses[other] - lost);
    let next = kept(sum + more);
    lost = kept(next - sum) - more;
    sum = next;
  }
  sum -= lost;
  out[column] = sum.x;
  out[${cols}u + column] = sum.y;
  out[${2 * cols}u + column] = sum.z;
}`,
  };
}
