/**
 * Products of dense weights with few tokens.
 */
import { BF16, F32, halfPower, load1, shiftOf } from "./dtype";
import { madd, sums } from "./simd";
import { Weight } from "./weight";

/**
 * out[t, r] = x[t] · w[r] + bias[r] for rows [from, to) of weights of that type.
 *
 * Four rows at a time share what they are multiplied by: engines check every load's bounds, and memory is read in more places
 * at once. Two running sums a row hide the latency of madd.
 */
@inline
export function matvecDense(
  out: usize,
  x: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
  dtype: i32,
): void {
  // Engines make a constant anew at each use; these are none to them.
  const nothing = i32x4.splat(w.bits);
  const bits = v128.or(dtype == BF16 ? i32x4.splat(0xffff0000) : i32x4.splat(0x8fffe000), nothing), power = v128.or(halfPower(), nothing);
  const cols = w.cols;
  const whole = cols & ~7;
  const step = <usize> 4 << shiftOf(dtype);
  const rowBytes = <usize> cols << shiftOf(dtype);
  // Four rows apart, each read from one end to the other: processors fetch ahead what is read in order.
  const apart = (to - from + 3) / 4;
  const last = to - 1;
  for (let r = from; r < from + apart; r++) {
    // If rows are missing the last is computed again.
    const r1 = min(r + apart, last), r2 = min(r + 2 * apart, last), r3 = min(r + 3 * apart, last);
    for (let t = 0; t < tokens; t++) {
      let at = x + (<usize> t * cols << 2);
      let w0 = w.data + <usize> r * rowBytes, w1 = w.data + <usize> r1 * rowBytes;
      let w2 = w.data + <usize> r2 * rowBytes, w3 = w.data + <usize> r3 * rowBytes;
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
      let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
      for (const end = at + (<usize> whole << 2); at < end; at += 32) {
        const x0 = v128.load(at), x1 = v128.load(at, 16);
        if (dtype == F32) {
          a0 = madd(x0, v128.load(w0), a0);
          b0 = madd(x1, v128.load(w0, 16), b0);
          a1 = madd(x0, v128.load(w1), a1);
          b1 = madd(x1, v128.load(w1, 16), b1);
          a2 = madd(x0, v128.load(w2), a2);
          b2 = madd(x1, v128.load(w2, 16), b2);
          a3 = madd(x0, v128.load(w3), a3);
          b3 = madd(x1, v128.load(w3, 16), b3);
        } else {
          // Eight halves in one load: those in the low and those in the high parts of their lanes.
          const a = v128.shuffle<f32>(x0, x1, 0, 2, 4, 6), b = v128.shuffle<f32>(x0, x1, 1, 3, 5, 7);
          let v = v128.load(w0);
          a0 = madd(a, lowHalves(v, dtype, bits, power), a0);
          b0 = madd(b, highHalves(v, dtype, bits, power), b0);
          v = v128.load(w1);
          a1 = madd(a, lowHalves(v, dtype, bits, power), a1);
          b1 = madd(b, highHalves(v, dtype, bits, power), b1);
          v = v128.load(w2);
          a2 = madd(a, lowHalves(v, dtype, bits, power), a2);
          b2 = madd(b, highHalves(v, dtype, bits, power), b2);
          v = v128.load(w3);
          a3 = madd(a, lowHalves(v, dtype, bits, power), a3);
          b3 = madd(b, highHalves(v, dtype, bits, power), b3);
        }
        w0 += 2 * step;
        w1 += 2 * step;
        w2 += 2 * step;
        w3 += 2 * step;
      }
      const total = sums(f32x4.add(a0, b0), f32x4.add(a1, b1), f32x4.add(a2, b2), f32x4.add(a3, b3));
      const left = cols - whole;
      const target = out + (<usize> t * w.rows << 2);
      finish(target, r, f32x4.extract_lane(total, 0) + rest(at, w0, left, dtype), bias);
      finish(target, r1, f32x4.extract_lane(total, 1) + rest(at, w1, left, dtype), bias);
      finish(target, r2, f32x4.extract_lane(total, 2) + rest(at, w2, left, dtype), bias);
      finish(target, r3, f32x4.extract_lane(total, 3) + rest(at, w3, left, dtype), bias);
    }
  }
}

/** The halves in the low parts of 32-bit lanes as float32. */
@inline
function lowHalves(halves: v128, dtype: i32, bits: v128, power: v128): v128 {
  const raised = i32x4.shl(halves, 16);
  if (dtype == BF16) return raised;
  return f32x4.mul(v128.and(i32x4.shr_s(raised, 3), bits), power);
}

/** The halves in the high parts. */
@inline
function highHalves(halves: v128, dtype: i32, bits: v128, power: v128): v128 {
  if (dtype == BF16) return v128.and(halves, bits);
  return f32x4.mul(v128.and(i32x4.shr_s(halves, 3), bits), power);
}

/** Stores output r of a token, with its bias. */
@inline
export function finish(out: usize, r: i32, value: f32, bias: usize): void {
  const at = <usize> r << 2;
  store<f32>(out + at, bias == 0 ? value : value + load<f32>(bias + at));
}

/** Σ x · w over n columns, fewer than eight. */
@inline
function rest(x: usize, w: usize, n: i32, dtype: i32): f32 {
  let total: f32 = 0;
  for (let i = 0; i < n; i++) {
    total += load<f32>(x + (<usize> i << 2)) * load1(w + (<usize> i << shiftOf(dtype)), dtype);
  }
  return total;
}
