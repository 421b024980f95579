/**
 * Products of dense weights with few tokens.
 */
import { load1, load4, shiftOf } from "./dtype";
import { madd, sum } from "./simd";
import { Weight } from "./weight";

/** out[t, r] = x[t] · w[r] + bias[r] for rows [from, to) of weights of that type. */
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
  const cols = w.cols;
  for (let r = from; r < to; r++) {
    const row = w.data + (<usize> r * cols << shiftOf(dtype));
    const add = bias == 0 ? <f32> 0 : load<f32>(bias + (<usize> r << 2));
    for (let t = 0; t < tokens; t++) {
      const value = dot(x + (<usize> t * cols << 2), row, cols, dtype);
      store<f32>(out + (<usize> t * w.rows + r << 2), value + add);
    }
  }
}

/** Σ x · w over n columns; four running sums hide the latency of madd. */
@inline
function dot(x: usize, w: usize, n: i32, dtype: i32): f32 {
  const step = <usize> 4 << shiftOf(dtype);
  let a = f32x4.splat(0), b = a, c = a, d = a;
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    a = madd(v128.load(x), load4(w, dtype), a);
    b = madd(v128.load(x, 16), load4(w + step, dtype), b);
    c = madd(v128.load(x, 32), load4(w + 2 * step, dtype), c);
    d = madd(v128.load(x, 48), load4(w + 3 * step, dtype), d);
    x += 64;
    w += 4 * step;
  }
  for (; i + 4 <= n; i += 4) {
    a = madd(v128.load(x), load4(w, dtype), a);
    x += 16;
    w += step;
  }
  let total = sum(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  for (; i < n; i++) {
    total += load<f32>(x) * load1(w, dtype);
    x += 4;
    w += <usize> 1 << shiftOf(dtype);
  }
  return total;
}
