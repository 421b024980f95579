/**
 * Causal attention over a layer's cache, keys and values each [capacity, kvHeads · headDim].
 */
import { capped } from "./activations";
import { exp, firstLanes, largest as largestOf, madd, sum, sums } from "./simd";

/**
 * out[t, h] = Σ softmax(scale · q[t, h] · K) · V over the last `window` of the position + t + 1 first tokens of the cache,
 * query head h using key head ⌊h · kvHeads / heads⌋, for items t · heads + h in [from, to). Where softcap is not 0, scores
 * become softcap · tanh(score / softcap).
 *
 * The softmax is kept as it goes, eight keys at a time: if a larger score turns up, what is summed so far shrinks
 * (Milakov and Gimelshein, Online normalizer calculation for softmax). Eight keys share the loads of the query and of the
 * output, and hide the latency of madd.
 */
export function attention(
  out: usize,
  q: usize,
  keys: usize,
  values: usize,
  heads: i32,
  kvHeads: i32,
  headDim: i32,
  position: i32,
  scale: f32,
  softcap: f32,
  window: i32,
  from: i32,
  to: i32,
): void {
  const stride = <usize> kvHeads * headDim << 2;
  const bytes = <usize> headDim << 2;
  for (let item = from; item < to; item++) {
    const seen = position + item / heads + 1;
    const head = <usize> (item % heads * kvHeads / heads * headDim) << 2;
    const query = q + <usize> item * bytes;
    const target = out + <usize> item * bytes;
    memory.fill(target, 0, bytes);
    let largest = -f32.MAX_VALUE;
    let total = f32x4.splat(0);
    for (let s = max(0, seen - window); s < seen; s += 8) {
      const first = <usize> s * stride + head;
      const left = seen - s;
      let low = scores(query, keys + first, stride, left, bytes);
      let high = left > 4 ? scores(query, keys + first + 4 * stride, stride, left - 4, bytes) : low;
      low = f32x4.mul(f32x4.splat(scale), low);
      high = f32x4.mul(f32x4.splat(scale), high);
      if (softcap != 0) {
        low = capped(low, softcap);
        high = capped(high, softcap);
      }
      const top = largestOf(f32x4.pmax(low, high));
      if (top > largest) {
        const shrink = exp(f32x4.splat(largest - top));
        total = f32x4.mul(total, shrink);
        multiply(target, shrink, bytes);
        largest = top;
      }
      const shift = f32x4.splat(largest);
      low = firstLanes(exp(f32x4.sub(low, shift)), left);
      high = firstLanes(exp(f32x4.sub(high, shift)), left - 4);
      total = f32x4.add(total, f32x4.add(low, high));
      accumulate(target, values + first, stride, left, low, high, bytes);
    }
    multiply(target, f32x4.splat(<f32> 1 / sum(total)), bytes);
  }
}

/** query · key for four keys; beyond the last key the last one stands again. */
@inline
function scores(query: usize, keys: usize, stride: usize, left: i32, bytes: usize): v128 {
  const k1 = keys + (left > 1 ? stride : 0), k2 = left > 2 ? k1 + stride : k1, k3 = left > 3 ? k2 + stride : k2;
  let a = f32x4.splat(0), b = a, c = a, d = a;
  let at: usize = 0;
  for (const whole = bytes & ~15; at < whole; at += 16) {
    const part = v128.load(query + at);
    a = madd(part, v128.load(keys + at), a);
    b = madd(part, v128.load(k1 + at), b);
    c = madd(part, v128.load(k2 + at), c);
    d = madd(part, v128.load(k3 + at), d);
  }
  let result = sums(a, b, c, d);
  for (; at < bytes; at += 4) {
    const four = f32x4(load<f32>(keys + at), load<f32>(k1 + at), load<f32>(k2 + at), load<f32>(k3 + at));
    result = madd(f32x4.splat(load<f32>(query + at)), four, result);
  }
  return result;
}

/** out += Σ share · value over eight values; beyond the last value shares are 0, and the last one stands again. */
@inline
function accumulate(
  out: usize,
  values: usize,
  stride: usize,
  left: i32,
  low: v128,
  high: v128,
  bytes: usize,
): void {
  const v1 = values + (left > 1 ? stride : 0), v2 = left > 2 ? v1 + stride : v1, v3 = left > 3 ? v2 + stride : v2;
  const v4 = left > 4 ? v3 + stride : v3, v5 = left > 5 ? v4 + stride : v4;
  const v6 = left > 6 ? v5 + stride : v5, v7 = left > 7 ? v6 + stride : v6;
  const p0 = v128.shuffle<f32>(low, low, 0, 0, 0, 0), p1 = v128.shuffle<f32>(low, low, 1, 1, 1, 1);
  const p2 = v128.shuffle<f32>(low, low, 2, 2, 2, 2), p3 = v128.shuffle<f32>(low, low, 3, 3, 3, 3);
  const p4 = v128.shuffle<f32>(high, high, 0, 0, 0, 0), p5 = v128.shuffle<f32>(high, high, 1, 1, 1, 1);
  const p6 = v128.shuffle<f32>(high, high, 2, 2, 2, 2), p7 = v128.shuffle<f32>(high, high, 3, 3, 3, 3);
  let at: usize = 0;
  for (const whole = bytes & ~15; at < whole; at += 16) {
    let a = madd(p0, v128.load(values + at), v128.load(out + at));
    let b = f32x4.mul(p1, v128.load(v1 + at));
    a = madd(p2, v128.load(v2 + at), a);
    b = madd(p3, v128.load(v3 + at), b);
    a = madd(p4, v128.load(v4 + at), a);
    b = madd(p5, v128.load(v5 + at), b);
    a = madd(p6, v128.load(v6 + at), a);
    b = madd(p7, v128.load(v7 + at), b);
    v128.store(out + at, f32x4.add(a, b));
  }
  for (; at < bytes; at += 4) {
    const l = f32x4(load<f32>(values + at), load<f32>(v1 + at), load<f32>(v2 + at), load<f32>(v3 + at));
    const h = f32x4(load<f32>(v4 + at), load<f32>(v5 + at), load<f32>(v6 + at), load<f32>(v7 + at));
    store<f32>(out + at, load<f32>(out + at) + sum(madd(high, h, f32x4.mul(low, l))));
  }
}

/** out *= factor; all lanes of the factor are alike. */
@inline
function multiply(out: usize, factor: v128, bytes: usize): void {
  let at: usize = 0;
  for (const whole = bytes & ~15; at < whole; at += 16) {
    v128.store(out + at, f32x4.mul(v128.load(out + at), factor));
  }
  for (; at < bytes; at += 4) store<f32>(out + at, load<f32>(out + at) * f32x4.extract_lane(factor, 0));
}
