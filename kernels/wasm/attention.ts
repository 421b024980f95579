/**
 * Causal attention over a layer's cache, keys and values each [capacity, kvHeads · headDim].
 */
import { capped } from "./activations";
import { exp, firstLanes, madd, sum } from "./simd";

@inline
function dot(a: usize, b: usize, n: i32): f32 {
  let total = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    total = madd(v128.load(a + (<usize> i << 2)), v128.load(b + (<usize> i << 2)), total);
  }
  let result = sum(total);
  for (; i < n; i++) result += load<f32>(a + (<usize> i << 2)) * load<f32>(b + (<usize> i << 2));
  return result;
}

/**
 * out[t, h] = Σ softmax(scale · q[t, h] · K) · V over the last `window` of the position + t + 1 first tokens of the cache,
 * query head h using key head ⌊h · kvHeads / heads⌋, for items t · heads + h in [from, to). Where softcap is not 0, scores
 * become softcap · tanh(score / softcap).
 *
 * The softmax is kept as it goes, four keys at a time: where a larger score turns up, what is summed so far shrinks
 * (Milakov and Gimelshein, Online normalizer calculation for softmax).
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
  for (let item = from; item < to; item++) {
    const seen = position + item / heads + 1;
    const head = <usize> (item % heads * kvHeads / heads * headDim) << 2;
    const query = q + (<usize> item * headDim << 2);
    const target = out + (<usize> item * headDim << 2);
    memory.fill(target, 0, <usize> headDim << 2);
    let largest = -f32.MAX_VALUE;
    let total = f32x4.splat(0);
    for (let s = max(0, seen - window); s < seen; s += 4) {
      // Beyond the last key stands the last one again, and weighs nothing.
      const last = seen - 1;
      const s1 = min(s + 1, last), s2 = min(s + 2, last), s3 = min(s + 3, last);
      const o0 = <usize> s * stride + head, o1 = <usize> s1 * stride + head;
      const o2 = <usize> s2 * stride + head, o3 = <usize> s3 * stride + head;
      let scores = f32x4.mul(
        f32x4.splat(scale),
        f32x4(
          dot(query, keys + o0, headDim),
          dot(query, keys + o1, headDim),
          dot(query, keys + o2, headDim),
          dot(query, keys + o3, headDim),
        ),
      );
      if (softcap != 0) scores = capped(scores, softcap);
      const pairs = f32x4.pmax(scores, v128.shuffle<f32>(scores, scores, 2, 3, 0, 1));
      const top = max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
      if (top > largest) {
        const shrink = exp(f32x4.splat(largest - top));
        total = f32x4.mul(total, shrink);
        for (let i = 0; i < headDim; i++) {
          const at = target + (<usize> i << 2);
          store<f32>(at, load<f32>(at) * f32x4.extract_lane(shrink, 0));
        }
        largest = top;
      }
      const shares = firstLanes(exp(f32x4.sub(scores, f32x4.splat(largest))), seen - s);
      total = f32x4.add(total, shares);
      accumulate(target, values + o0, f32x4.extract_lane(shares, 0), headDim);
      accumulate(target, values + o1, f32x4.extract_lane(shares, 1), headDim);
      accumulate(target, values + o2, f32x4.extract_lane(shares, 2), headDim);
      accumulate(target, values + o3, f32x4.extract_lane(shares, 3), headDim);
    }
    const factor = <f32> 1 / sum(total);
    for (let i = 0; i < headDim; i++) {
      const at = target + (<usize> i << 2);
      store<f32>(at, load<f32>(at) * factor);
    }
  }
}

/** out += share · value over n features. */
@inline
function accumulate(out: usize, value: usize, share: f32, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = <usize> i << 2;
    v128.store(out + at, madd(f32x4.splat(share), v128.load(value + at), v128.load(out + at)));
  }
  for (; i < n; i++) {
    const at = <usize> i << 2;
    store<f32>(out + at, load<f32>(out + at) + share * load<f32>(value + at));
  }
}
