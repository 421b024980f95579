/**
 * What happens to activations between products: embedding, norms, rotation, sums, columns. Rows are tokens.
 */
import { load1, load4, shiftOf } from "./dtype";
import { exp, firstLanes, madd, sum } from "./simd";

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

/** x[i] += y[i] for some bytes. */
function addTo(x: usize, y: usize, bytes: usize): void {
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) v128.store(x + at, f32x4.add(v128.load(x + at), v128.load(y + at)));
  for (; at < bytes; at += 4) store<f32>(x + at, load<f32>(x + at) + load<f32>(y + at));
}

/** out[t] = x[t] / √(mean x[t]² + epsilon) · weight for tokens [from, to); with `add`, x += add before. */
export function rmsNorm(
  out: usize,
  x: usize,
  add: usize,
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
    if (add) addTo(row, add + <usize> t * bytes, bytes);
    // Two sums do not wait for each other.
    let squares = f32x4.splat(0), others = squares;
    let at: usize = 0;
    for (; at + 32 <= bytes; at += 32) {
      const a = v128.load(row + at), b = v128.load(row + at, 16);
      squares = madd(a, a, squares);
      others = madd(b, b, others);
    }
    let total = sum(f32x4.add(squares, others));
    for (; at < bytes; at += 4) total += load<f32>(row + at) * load<f32>(row + at);
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
 * out[t] = (x[t] − mean x[t]) / √(variance of x[t] + epsilon) · weight + bias for tokens [from, to); bias may be 0; with `add`,
 * x += add before.
 */
export function layerNorm(
  out: usize,
  x: usize,
  add: usize,
  weight: usize,
  bias: usize,
  cols: i32,
  epsilon: f32,
  from: i32,
  to: i32,
): void {
  for (let t = from; t < to; t++) {
    const row = x + (<usize> t * cols << 2);
    const target = out + (<usize> t * cols << 2);
    if (add) addTo(row, add + (<usize> t * cols << 2), <usize> cols << 2);
    // What lies behind a row's last value is not summed.
    let total = f32x4.splat(0);
    for (let c = 0; c < cols; c += 4) {
      total = f32x4.add(total, firstLanes(v128.load(row + (<usize> c << 2)), cols - c));
    }
    const mean = f32x4.splat(sum(total) / <f32> cols);
    let squares = f32x4.splat(0);
    for (let c = 0; c < cols; c += 4) {
      const off = firstLanes(f32x4.sub(v128.load(row + (<usize> c << 2)), mean), cols - c);
      squares = madd(off, off, squares);
    }
    const factor = <f32> 1 / Mathf.sqrt(sum(squares) / <f32> cols + epsilon);
    let c = 0;
    for (; c + 4 <= cols; c += 4) {
      const at = <usize> c << 2;
      const scaled = f32x4.mul(f32x4.sub(v128.load(row + at), mean), f32x4.splat(factor));
      const added = bias ? v128.load(bias + at) : f32x4.splat(0);
      v128.store(target + at, f32x4.add(f32x4.mul(scaled, v128.load(weight + at)), added));
    }
    for (; c < cols; c++) {
      const at = <usize> c << 2;
      const scaled = (load<f32>(row + at) - f32x4.extract_lane(mean, 0)) * factor;
      store<f32>(target + at, scaled * load<f32>(weight + at) + (bias ? load<f32>(bias + at) : <f32> 0));
    }
  }
}

/**
 * Turns, in place, the pairs (i, i + half) of every head of tokens [from, to) by angles whose cosines and sines are
 * cos[t, half] and sin[t, half]. A head's features from 2 · half on stay.
 */
export function rope(
  x: usize,
  cos: usize,
  sin: usize,
  cols: i32,
  half: i32,
  headDim: i32,
  from: i32,
  to: i32,
): void {
  const bytes = <usize> half << 2;
  for (let t = from; t < to; t++) {
    const c = cos + <usize> t * bytes;
    const s = sin + <usize> t * bytes;
    for (let head = 0; head < cols; head += headDim) {
      const a = x + (<usize> t * cols + head << 2);
      const b = a + bytes;
      let at: usize = 0;
      for (; at + 16 <= bytes; at += 16) {
        const p = v128.load(a + at), q = v128.load(b + at), turn = v128.load(c + at), rise = v128.load(s + at);
        v128.store(a + at, f32x4.sub(f32x4.mul(p, turn), f32x4.mul(q, rise)));
        v128.store(b + at, f32x4.add(f32x4.mul(q, turn), f32x4.mul(p, rise)));
      }
      for (; at < bytes; at += 4) {
        const p = load<f32>(a + at), q = load<f32>(b + at);
        store<f32>(a + at, p * load<f32>(c + at) - q * load<f32>(s + at));
        store<f32>(b + at, q * load<f32>(c + at) + p * load<f32>(s + at));
      }
    }
  }
}

/** x[i] += y[i] for blocks of 4 values [from, to); arrays are padded to whole blocks. */
export function add(x: usize, y: usize, from: i32, to: i32): void {
  for (let at = <usize> from << 4; at < <usize> to << 4; at += 16) {
    v128.store(x + at, f32x4.add(v128.load(x + at), v128.load(y + at)));
  }
}

/** x[i] *= by for blocks of 4 values [from, to). */
export function scale(x: usize, by: f32, from: i32, to: i32): void {
  for (let at = <usize> from << 4; at < <usize> to << 4; at += 16) {
    v128.store(x + at, f32x4.mul(v128.load(x + at), f32x4.splat(by)));
  }
}

/** x[i] = cap · tanh(x[i] / cap) for blocks of 4 values [from, to). */
export function softcap(x: usize, cap: f32, from: i32, to: i32): void {
  for (let at = <usize> from << 4; at < <usize> to << 4; at += 16) {
    v128.store(x + at, capped(v128.load(x + at), cap));
  }
}

/** cap · tanh(x / cap) = cap · (1 − 2 / (1 + e^(2x / cap))), right to 2⁻²³ · cap. */
@inline
export function capped(x: v128, cap: f32): v128 {
  const power = f32x4.add(exp(f32x4.mul(x, f32x4.splat(<f32> 2 / cap))), f32x4.splat(1));
  return f32x4.sub(f32x4.splat(cap), f32x4.div(f32x4.splat(2 * cap), power));
}

/** Piece n of out[t], `width` long, is x[t] from first + n · stride on, for tokens [from, to). */
export function columns(
  out: usize,
  x: usize,
  outCols: i32,
  cols: i32,
  first: i32,
  width: i32,
  stride: i32,
  from: i32,
  to: i32,
): void {
  for (let t = from; t < to; t++) {
    let source = x + (<usize> t * cols + first << 2);
    for (let c = 0; c < outCols; c += width) {
      memory.copy(out + (<usize> t * outCols + c << 2), source, <usize> width << 2);
      source += <usize> stride << 2;
    }
  }
}

/** out[rows[i]] += weights[i] · x[i] for i in [from, to); no row is named twice. */
export function scatterAdd(
  out: usize,
  x: usize,
  rows: usize,
  weights: usize,
  cols: i32,
  from: i32,
  to: i32,
): void {
  for (let i = from; i < to; i++) {
    const weight = load<f32>(weights + (<usize> i << 2));
    const source = x + (<usize> i * cols << 2);
    const target = out + (<usize> load<i32>(rows + (<usize> i << 2)) * cols << 2);
    let c = 0;
    for (; c + 4 <= cols; c += 4) {
      const at = <usize> c << 2;
      v128.store(target + at, madd(f32x4.splat(weight), v128.load(source + at), v128.load(target + at)));
    }
    for (; c < cols; c++) {
      const at = <usize> c << 2;
      store<f32>(target + at, load<f32>(target + at) + weight * load<f32>(source + at));
    }
  }
}
