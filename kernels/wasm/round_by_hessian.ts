/**
 * Rounding column by column against a Hessian: lib/learn/round_by_hessian.ts for whole rows, with its bits.
 */
import { packCodes, rowBytes } from "./codes";
import { giveSlot, takeSlot } from "./kmeans_workspace";
import { CODES, loadTable, nearestCode } from "./learn_round";

/** Rows that share a reading of the factor; each has a lane of the slot: its table, its codes, its errors f64[cols]. */
const LANES: i32 = 4;

/** Bytes of a lane before its errors. */
@inline
function errorsAt(cols: i32): usize {
  return CODES + cols + 63 & ~63;
}

/** What the first n errors of four lanes add to column j: dot() of lib/learn/dot.ts, four times, written to sums f64[4]. */
@inline
function dots(sums: usize, line: usize, errors: usize, lane: usize, n: i32): void {
  let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0, c0 = a0, c1 = a0, c2 = a0, c3 = a0;
  let i = 0;
  let e0 = errors, e1 = e0 + lane, e2 = e1 + lane, e3 = e2 + lane;
  for (; i + 4 <= n; i += 4) {
    const left = v128.load(line), right = v128.load(line, 16);
    a0 = f64x2.add(a0, f64x2.mul(left, v128.load(e0)));
    c0 = f64x2.add(c0, f64x2.mul(right, v128.load(e0, 16)));
    a1 = f64x2.add(a1, f64x2.mul(left, v128.load(e1)));
    c1 = f64x2.add(c1, f64x2.mul(right, v128.load(e1, 16)));
    a2 = f64x2.add(a2, f64x2.mul(left, v128.load(e2)));
    c2 = f64x2.add(c2, f64x2.mul(right, v128.load(e2, 16)));
    a3 = f64x2.add(a3, f64x2.mul(left, v128.load(e3)));
    c3 = f64x2.add(c3, f64x2.mul(right, v128.load(e3, 16)));
    line += 32;
    e0 += 32;
    e1 += 32;
    e2 += 32;
    e3 += 32;
  }
  for (; i < n; i++) {
    // The rest goes to the first of the four sums.
    const value = load<f64>(line);
    a0 = f64x2.replace_lane(a0, 0, f64x2.extract_lane(a0, 0) + value * load<f64>(e0));
    a1 = f64x2.replace_lane(a1, 0, f64x2.extract_lane(a1, 0) + value * load<f64>(e1));
    a2 = f64x2.replace_lane(a2, 0, f64x2.extract_lane(a2, 0) + value * load<f64>(e2));
    a3 = f64x2.replace_lane(a3, 0, f64x2.extract_lane(a3, 0) + value * load<f64>(e3));
    line += 8;
    e0 += 8;
    e1 += 8;
    e2 += 8;
    e3 += 8;
  }
  store<f64>(sums, total(a0, c0));
  store<f64>(sums, total(a1, c1), 8);
  store<f64>(sums, total(a2, c2), 16);
  store<f64>(sums, total(a3, c3), 24);
}

@inline
function total(ab: v128, cd: v128): f64 {
  return f64x2.extract_lane(ab, 0) + f64x2.extract_lane(ab, 1) +
    (f64x2.extract_lane(cd, 0) + f64x2.extract_lane(cd, 1));
}

/**
 * Rounds rows [from, to) of data f32 [rows, cols] to tables of 2^bits float32 values, `stride` bytes apart (0 for one table),
 * and packs their codes: columns in the order of order i32 [cols], against lower f64 [cols, cols] in that order.
 *
 * scales and zeros (or 0) f32 [rows, groups]; `slots` a slot of scratch for each thread, its first word 0, of 65536 + 40 · cols
 * bytes or more.
 */
export function roundRowsByHessian(
  words: usize, data: usize, scales: usize, zeros: usize, tables: usize, stride: i32, order: usize, lower: usize,
  bits: i32, cols: i32, groupSize: i32, slots: usize, slotBytes: usize, from: i32, to: i32,
): void {
  const workspace = takeSlot(slots, slotBytes);
  // What the lock's line leaves is for sums of the lanes.
  const sums = changetype<usize>(workspace) + 16;
  const first = changetype<usize>(workspace) + 64;
  const lane = errorsAt(cols) + (<usize> cols << 3) + 63 & ~63;
  const groups = (cols + groupSize - 1) / groupSize;
  const k = 1 << bits;
  for (let start = from; start < to; start += LANES) {
    const lanes = min(LANES, to - start);
    for (let l = 0; l < lanes; l++) loadTable(first + l * lane, tables + <usize> (start + l) * stride, k);
    for (let j = 0; j < cols; j++) {
      const line = lower + (<usize> j * cols << 3);
      const c = load<i32>(order + (<usize> j << 2));
      const group = c / groupSize;
      dots(sums, line, first + errorsAt(cols), lane, j);
      const pivot = load<f64>(line + (<usize> j << 3));
      for (let l = 0; l < lanes; l++) {
        const own = first + l * lane;
        const r = <usize> (start + l);
        const at = r * groups + group << 2;
        const weight = <f64> load<f32>(data + (r * cols + c << 2));
        const scale = <f64> load<f32>(scales + at);
        const zero = zeros ? <f64> load<f32>(zeros + at) : 0;
        const wanted = weight - load<f64>(sums + (l << 3)) / pivot;
        const code = nearestCode(own, scale == 0 ? 0 : (wanted - zero) / scale, k);
        store<u8>(own + CODES + c, code);
        const value = <f64> load<f32>(tables + r * stride + (<usize> code << 2));
        store<f64>(own + errorsAt(cols) + (<usize> j << 3), scale * value + zero - weight);
      }
    }
    for (let l = 0; l < lanes; l++) {
      packCodes(words + <usize> (start + l) * rowBytes(cols, bits), first + l * lane + CODES, cols, bits, 0, 1);
    }
  }
  giveSlot(workspace);
}
