/**
 * Products with dense weights, [rows, cols] of any stored type.
 */
import { BF16, F16, F32, load1, load4, shiftOf } from "./dtype";
import { madd, sum } from "./simd";

/** Σ x · w over n columns; four sums of every fourth vector hide the latency of madd. */

function dot(x: usize, w: usize, n: i32, dtype: i32): f32 {
  const shift = shiftOf(dtype);
  let a = f32x4.splat(0), b = a, c = a, d = a;
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const px = x + (<usize> i << 2);
    const pw = w + (<usize> i << shift);
    a = madd(v128.load(px), load4(pw, dtype), a);
    b = madd(v128.load(px, 16), load4(pw + (4 << shift), dtype), b);
    c = madd(v128.load(px, 32), load4(pw + (8 << shift), dtype), c);
    d = madd(v128.load(px, 48), load4(pw + (12 << shift), dtype), d);
  }
  for (; i + 4 <= n; i += 4) {
    a = madd(v128.load(x + (<usize> i << 2)), load4(w + (<usize> i << shift), dtype), a);
  }
  let total = sum(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  for (; i < n; i++) {
    total += load<f32>(x + (<usize> i << 2)) * load1(w + (<usize> i << shift), dtype);
  }
  return total;
}

function linear(
  out: usize,
  x: usize,
  w: usize,
  bias: usize,
  tokens: i32,
  rows: i32,
  cols: i32,
  dtype: i32,
  from: i32,
  to: i32,
): void {
  for (let r = from; r < to; r++) {
    const row = w + (<usize> r * cols << shiftOf(dtype));
    const add = bias == 0 ? <f32> 0 : load<f32>(bias + (<usize> r << 2));
    for (let t = 0; t < tokens; t++) {
      const value = dot(x + (<usize> t * cols << 2), row, cols, dtype);
      store<f32>(out + (<usize> t * rows + r << 2), value + add);
    }
  }
}

/** out[t, r] = Σ x[t] · w[r] + bias[r] for rows [from, to); bias 0: none. dtype: see dtype.ts. */
export function linearDense(
  out: usize,
  x: usize,
  w: usize,
  bias: usize,
  tokens: i32,
  rows: i32,
  cols: i32,
  dtype: i32,
  from: i32,
  to: i32,
): void {
  if (dtype == F32) linear(out, x, w, bias, tokens, rows, cols, F32, from, to);
  else if (dtype == F16) linear(out, x, w, bias, tokens, rows, cols, F16, from, to);
  else linear(out, x, w, bias, tokens, rows, cols, BF16, from, to);
}
