/**
 * What happens to activations between products: embedding, norm, rotation, gate, sum. Rows are tokens.
 */
import { load1, load4, shiftOf } from "./dtype";
import { exp, madd, sum } from "./simd";

/** out[t] = table[ids[t]] for tokens [from, to). */
export function embed(
  out: usize,
  table: usize,
  ids: usize,
  cols: i32,
  dtype: i32,
  from: i32,
  to: i32,
): void {
  const shift = shiftOf(dtype);
  for (let t = from; t < to; t++) {
    const row = table + (<usize> load<i32>(ids + (<usize> t << 2)) * cols << shift);
    const target = out + (<usize> t * cols << 2);
    let c = 0;
    for (; c + 4 <= cols; c += 4) {
      v128.store(target + (<usize> c << 2), load4(row + (<usize> c << shift), dtype));
    }
    for (; c < cols; c++) store<f32>(target + (<usize> c << 2), load1(row + (<usize> c << shift), dtype));
  }
}

/** out[t] = x[t] / √(mean x[t]² + epsilon) · weight for tokens [from, to). */
export function rmsNorm(
  out: usize,
  x: usize,
  weight: usize,
  cols: i32,
  epsilon: f32,
  from: i32,
  to: i32,
): void {
  const bytes = <usize> cols << 2;
  const whole = bytes & ~15;
  for (let t = from; t < to; t++) {
    const row = x + <usize> t * bytes;
    const target = out + <usize> t * bytes;
    let squares = f32x4.splat(0);
    for (let at: usize = 0; at < whole; at += 16) {
      const value = v128.load(row + at);
      squares = madd(value, value, squares);
    }
    let total = sum(squares);
    for (let at = whole; at < bytes; at += 4) total += load<f32>(row + at) * load<f32>(row + at);
    const factor = <f32> 1 / Mathf.sqrt(total / <f32> cols + epsilon);
    for (let at: usize = 0; at < whole; at += 16) {
      const scaled = f32x4.mul(v128.load(row + at), f32x4.splat(factor));
      v128.store(target + at, f32x4.mul(scaled, v128.load(weight + at)));
    }
    for (let at = whole; at < bytes; at += 4) {
      store<f32>(target + at, load<f32>(row + at) * factor * load<f32>(weight + at));
    }
  }
}

/**
 * Turns, in place, the pairs (i, i + half) of every head of tokens [from, to) by angles whose cosines and sines are
 * cos[t, half] and sin[t, half].
 */
export function rope(x: usize, cos: usize, sin: usize, cols: i32, half: i32, from: i32, to: i32): void {
  const bytes = <usize> half << 2;
  for (let t = from; t < to; t++) {
    const c = cos + <usize> t * bytes;
    const s = sin + <usize> t * bytes;
    for (let head = 0; head < cols; head += 2 * half) {
      const a = x + (<usize> t * cols + head << 2);
      const b = a + bytes;
      for (let at: usize = 0; at < bytes; at += 4) {
        const p = load<f32>(a + at), q = load<f32>(b + at);
        store<f32>(a + at, p * load<f32>(c + at) - q * load<f32>(s + at));
        store<f32>(b + at, q * load<f32>(c + at) + p * load<f32>(s + at));
      }
    }
  }
}

/** out[i] = gate[i] / (1 + e^−gate[i]) · up[i] for blocks of 4 values [from, to); arrays are padded to whole blocks. */
export function swiglu(out: usize, gate: usize, up: usize, from: i32, to: i32): void {
  const one = f32x4.splat(1);
  for (let at = <usize> from << 4; at < <usize> to << 4; at += 16) {
    const g = v128.load(gate + at);
    const sigmoid = f32x4.div(g, f32x4.add(one, exp(f32x4.neg(g))));
    v128.store(out + at, f32x4.mul(sigmoid, v128.load(up + at)));
  }
}

/** x[i] += y[i] for blocks of 4 values [from, to); arrays are padded to whole blocks. */
export function add(x: usize, y: usize, from: i32, to: i32): void {
  for (let at = <usize> from << 4; at < <usize> to << 4; at += 16) {
    v128.store(x + at, f32x4.add(v128.load(x + at), v128.load(y + at)));
  }
}
