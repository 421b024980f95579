/**
 * What makes probabilities of logits.
 */
import { exp, firstLanes, largest as largestOf } from "./simd";

/** Values whose powers are summed in float32, before that goes to a sum in float64: a whole number of vectors. */
const SOME: i32 = 256;

/**
 * What ln Σ e^x of rows [from, to) of x, [rows, cols], is made of, three words of eight bytes each: the largest value and
 * Σ e^(x − largest), float64, and the place of the largest, the first of equals, an i32. The sum is NaN where a value is NaN or
 * +∞, or all are −∞.
 */
export function logSums(out: usize, x: usize, cols: i32, from: i32, to: i32): void {
  for (let r = from; r < to; r++) {
    const row = x + (<usize> r * cols << 2);
    const target = out + <usize> r * 24;
    const most = largestIn(row, cols);
    store<f64>(target, most);
    store<f64>(target, powers(row, cols, most), 8);
    store<i32>(target, find(row, cols, most), 16);
  }
}

function largestIn(row: usize, cols: i32): f32 {
  let a = f32x4.splat(-Infinity), b = a;
  let c = 0;
  for (; c + 8 <= cols; c += 8, row += 32) {
    a = f32x4.pmax(a, v128.load(row));
    b = f32x4.pmax(b, v128.load(row, 16));
  }
  let most = largestOf(f32x4.pmax(a, b));
  for (; c < cols; c++, row += 4) {
    const value = load<f32>(row);
    if (value > most) most = value;
  }
  return most;
}

/** Σ e^(x − most). */
function powers(row: usize, cols: i32, most: f32): f64 {
  const less = f32x4.splat(most);
  let all = f64x2.splat(0);
  for (let c = 0; c < cols; c += SOME) {
    let some = f32x4.splat(0);
    const end = row + (<usize> min(SOME, cols - c) << 2);
    for (; row + 16 <= end; row += 16) some = f32x4.add(some, exp(f32x4.sub(v128.load(row), less)));
    if (row < end) {
      some = f32x4.add(some, firstLanes(exp(f32x4.sub(v128.load(row), less)), <i32> (end - row >> 2)));
    }
    const high = v128.shuffle<f32>(some, some, 2, 3, 0, 1);
    all = f64x2.add(all, f64x2.add(f64x2.promote_low_f32x4(some), f64x2.promote_low_f32x4(high)));
  }
  return f64x2.extract_lane(all, 0) + f64x2.extract_lane(all, 1);
}

/** Where a value stands first; cols if nowhere. */
function find(row: usize, cols: i32, value: f32): i32 {
  const wanted = f32x4.splat(value);
  let c = 0;
  while (c + 4 <= cols && !v128.any_true(f32x4.eq(v128.load(row + (<usize> c << 2)), wanted))) c += 4;
  while (c < cols && load<f32>(row + (<usize> c << 2)) != value) c++;
  return c;
}
