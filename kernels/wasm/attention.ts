/**
 * Causal attention over a layer's cache, keys and values each [kvHeads, room, headDim]: what a head reads lies in one piece,
 * which processors fetch ahead.
 *
 * The softmax is kept as it goes, a block of eight keys at a time: if a larger score turns up, what is summed so far shrinks
 * (Milakov and Gimelshein, Online normalizer calculation for softmax). Blocks begin at multiples of eight, so that a query's
 * sums are the same whichever queries are computed beside it; two queries share the loads of keys and values.
 */
import { capped } from "./activations";
import { exp, largest as largestOf, madd, sum, sums } from "./simd";

/**
 * Keeps keys or values x, [tokens, kvHeads · headDim], for tokens [from, to), of which the first is at `position`, in out,
 * [kvHeads, room, headDim].
 */
export function storeHeads(
  out: usize,
  x: usize,
  kvHeads: i32,
  headDim: i32,
  room: i32,
  position: i32,
  from: i32,
  to: i32,
): void {
  const bytes = <usize> headDim << 2;
  for (let t = from; t < to; t++) {
    for (let head = 0; head < kvHeads; head++) {
      const at = out + (<usize> head * room + position + t) * bytes;
      memory.copy(at, x + (<usize> t * kvHeads + head) * bytes, bytes);
    }
  }
}

/** Keys of a block. */
const BLOCK: i32 = 8;

/** The score of a key that a query does not see: e^(NONE − largest) is 0 to a sum. */
const NONE: f32 = -f32.MAX_VALUE;

/**
 * out[t, h] = Σ softmax(scale · q[t, h] · K) · V over the last `window` of the position + t + 1 first tokens of the cache,
 * query head h using key head ⌊h · kvHeads / heads⌋, for the two tokens 2i and 2i + 1 of each item i · heads + h in [from, to).
 * If softcap is not 0, scores become softcap · tanh(score / softcap).
 */
export function attention(
  out: usize,
  q: usize,
  keys: usize,
  values: usize,
  tokens: i32,
  heads: i32,
  kvHeads: i32,
  headDim: i32,
  room: i32,
  position: i32,
  scale: f32,
  softcap: f32,
  window: i32,
  from: i32,
  to: i32,
): void {
  const bytes = <usize> headDim << 2;
  const toNext = <usize> heads * bytes;
  for (let item = from; item < to; item++) {
    const h = item % heads, t = item / heads << 1;
    const head = <usize> (h * kvHeads / heads) * room * bytes;
    const at = (<usize> t * heads + h) * bytes;
    const seen = position + t + 1;
    if (t + 1 < tokens) {
      two(out + at, q + at, toNext, keys + head, values + head, bytes, seen, scale, softcap, window);
    } else {
      one(out + at, q + at, keys + head, values + head, bytes, seen, scale, softcap, window);
    }
  }
}

/** The query that sees the first `seen` tokens. */
function one(
  out: usize,
  query: usize,
  keys: usize,
  values: usize,
  bytes: usize,
  seen: i32,
  scale: f32,
  softcap: f32,
  window: i32,
): void {
  memory.fill(out, 0, bytes);
  const begin = max(0, seen - window);
  let largest = NONE;
  let total = f32x4.splat(0);
  for (let s = begin / BLOCK * BLOCK; s < seen; s += BLOCK) {
    const last = seen - 1;
    let low = scores(query, keys, s, last, bytes), high = scores(query, keys, s + 4, last, bytes);
    low = visible(shaped(low, scale, softcap), s, begin, seen);
    high = visible(shaped(high, scale, softcap), s + 4, begin, seen);
    const top = largestOf(f32x4.pmax(low, high));
    if (top > largest) {
      total = shrink(out, total, largest - top, bytes);
      largest = top;
    }
    low = share(low, largest);
    high = share(high, largest);
    total = f32x4.add(total, f32x4.add(low, high));
    accumulate(out, values, s, last, low, bytes);
    accumulate(out, values, s + 4, last, high, bytes);
  }
  multiply(out, f32x4.splat(<f32> 1 / sum(total)), bytes);
}

/** The query that sees the first `seen` tokens, and the one of the next token, `toNext` bytes further on: each as alone. */
function two(
  out: usize,
  query: usize,
  toNext: usize,
  keys: usize,
  values: usize,
  bytes: usize,
  seen: i32,
  scale: f32,
  softcap: f32,
  window: i32,
): void {
  memory.fill(out, 0, bytes);
  memory.fill(out + toNext, 0, bytes);
  const begin = max(0, seen - window), nextBegin = max(0, seen + 1 - window);
  let largest = NONE, nextLargest = NONE;
  let total = f32x4.splat(0), nextTotal = total;
  for (let s = begin / BLOCK * BLOCK; s <= seen; s += BLOCK) {
    let low = f32x4.splat(0), high = low, nextLow = low, nextHigh = low;
    for (let half = 0; half < BLOCK; half += 4) {
      const k0 = keys + <usize> min(s + half, seen) * bytes, k1 = keys + <usize> min(s + half + 1, seen) * bytes;
      const k2 = keys + <usize> min(s + half + 2, seen) * bytes, k3 = keys + <usize> min(s + half + 3, seen) * bytes;
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
      let at: usize = 0;
      for (const whole = bytes & ~15; at < whole; at += 16) {
        const a = v128.load(query + at), b = v128.load(query + toNext + at);
        let key = v128.load(k0 + at);
        a0 = madd(a, key, a0);
        b0 = madd(b, key, b0);
        key = v128.load(k1 + at);
        a1 = madd(a, key, a1);
        b1 = madd(b, key, b1);
        key = v128.load(k2 + at);
        a2 = madd(a, key, a2);
        b2 = madd(b, key, b2);
        key = v128.load(k3 + at);
        a3 = madd(a, key, a3);
        b3 = madd(b, key, b3);
      }
      const a = rest(sums(a0, a1, a2, a3), query, k0, k1, k2, k3, at, bytes);
      const b = rest(sums(b0, b1, b2, b3), query + toNext, k0, k1, k2, k3, at, bytes);
      if (half == 0) {
        low = a;
        nextLow = b;
      } else {
        high = a;
        nextHigh = b;
      }
    }
    low = visible(shaped(low, scale, softcap), s, begin, seen);
    high = visible(shaped(high, scale, softcap), s + 4, begin, seen);
    nextLow = visible(shaped(nextLow, scale, softcap), s, nextBegin, seen + 1);
    nextHigh = visible(shaped(nextHigh, scale, softcap), s + 4, nextBegin, seen + 1);
    const top = largestOf(f32x4.pmax(low, high)), nextTop = largestOf(f32x4.pmax(nextLow, nextHigh));
    if (top > largest) {
      total = shrink(out, total, largest - top, bytes);
      largest = top;
    }
    if (nextTop > nextLargest) {
      nextTotal = shrink(out + toNext, nextTotal, nextLargest - nextTop, bytes);
      nextLargest = nextTop;
    }
    low = share(low, largest);
    high = share(high, largest);
    nextLow = share(nextLow, nextLargest);
    nextHigh = share(nextHigh, nextLargest);
    total = f32x4.add(total, f32x4.add(low, high));
    nextTotal = f32x4.add(nextTotal, f32x4.add(nextLow, nextHigh));
    accumulateTwo(out, toNext, values, s, seen, low, nextLow, bytes);
    accumulateTwo(out, toNext, values, s + 4, seen, high, nextHigh, bytes);
  }
  multiply(out, f32x4.splat(<f32> 1 / sum(total)), bytes);
  multiply(out + toNext, f32x4.splat(<f32> 1 / sum(nextTotal)), bytes);
}

/** query · key for the four keys from s on; beyond the last key the last one stands again. */
@inline
function scores(query: usize, keys: usize, s: i32, last: i32, bytes: usize): v128 {
  const k0 = keys + <usize> min(s, last) * bytes, k1 = keys + <usize> min(s + 1, last) * bytes;
  const k2 = keys + <usize> min(s + 2, last) * bytes, k3 = keys + <usize> min(s + 3, last) * bytes;
  let a = f32x4.splat(0), b = a, c = a, d = a;
  let at: usize = 0;
  for (const whole = bytes & ~15; at < whole; at += 16) {
    const part = v128.load(query + at);
    a = madd(part, v128.load(k0 + at), a);
    b = madd(part, v128.load(k1 + at), b);
    c = madd(part, v128.load(k2 + at), c);
    d = madd(part, v128.load(k3 + at), d);
  }
  return rest(sums(a, b, c, d), query, k0, k1, k2, k3, at, bytes);
}

/** Scores and what features from `at` on add to them: those that fill no vector. */
@inline
function rest(scores: v128, query: usize, k0: usize, k1: usize, k2: usize, k3: usize, at: usize, bytes: usize): v128 {
  for (; at < bytes; at += 4) {
    const four = f32x4(load<f32>(k0 + at), load<f32>(k1 + at), load<f32>(k2 + at), load<f32>(k3 + at));
    scores = madd(f32x4.splat(load<f32>(query + at)), four, scores);
  }
  return scores;
}

@inline
function shaped(scores: v128, scale: f32, softcap: f32): v128 {
  const scaled = f32x4.mul(f32x4.splat(scale), scores);
  return softcap == 0 ? scaled : capped(scaled, softcap);
}

/** The scores of keys from s on that are among [begin, end), {@link NONE} for others. */
@inline
function visible(scores: v128, s: i32, begin: i32, end: i32): v128 {
  const at = i32x4.add(i32x4.splat(s), i32x4(0, 1, 2, 3));
  const seen = v128.and(i32x4.ge_s(at, i32x4.splat(begin)), i32x4.lt_s(at, i32x4.splat(end)));
  return v128.bitselect(scores, f32x4.splat(NONE), seen);
}

/** e^(score − largest), 0 for {@link NONE}. */
@inline
function share(scores: v128, largest: f32): v128 {
  const none = f32x4.eq(scores, f32x4.splat(NONE));
  return v128.andnot(exp(f32x4.sub(scores, f32x4.splat(largest))), none);
}

/** Sums of shares so far, and out, as they are to a largest score that is larger by −by. */
@inline
function shrink(out: usize, total: v128, by: f32, bytes: usize): v128 {
  const factor = exp(f32x4.splat(by));
  multiply(out, factor, bytes);
  return f32x4.mul(total, factor);
}

/** out += Σ share · value over the four values from s on; beyond the last value shares are 0, and the last one stands again. */
@inline
function accumulate(
  out: usize,
  values: usize,
  s: i32,
  last: i32,
  shares: v128,
  bytes: usize,
): void {
  const v0 = values + <usize> min(s, last) * bytes, v1 = values + <usize> min(s + 1, last) * bytes;
  const v2 = values + <usize> min(s + 2, last) * bytes, v3 = values + <usize> min(s + 3, last) * bytes;
  const p0 = v128.shuffle<f32>(shares, shares, 0, 0, 0, 0), p1 = v128.shuffle<f32>(shares, shares, 1, 1, 1, 1);
  const p2 = v128.shuffle<f32>(shares, shares, 2, 2, 2, 2), p3 = v128.shuffle<f32>(shares, shares, 3, 3, 3, 3);
  let at: usize = 0;
  for (const whole = bytes & ~15; at < whole; at += 16) {
    const a = madd(p2, v128.load(v2 + at), madd(p0, v128.load(v0 + at), v128.load(out + at)));
    const b = madd(p3, v128.load(v3 + at), f32x4.mul(p1, v128.load(v1 + at)));
    v128.store(out + at, f32x4.add(a, b));
  }
  accumulateRest(out, v0, v1, v2, v3, shares, at, bytes);
}

/** {@link accumulate} for two queries. */
@inline
function accumulateTwo(
  out: usize,
  toNext: usize,
  values: usize,
  s: i32,
  last: i32,
  shares: v128,
  next: v128,
  bytes: usize,
): void {
  const v0 = values + <usize> min(s, last) * bytes, v1 = values + <usize> min(s + 1, last) * bytes;
  const v2 = values + <usize> min(s + 2, last) * bytes, v3 = values + <usize> min(s + 3, last) * bytes;
  const p0 = v128.shuffle<f32>(shares, shares, 0, 0, 0, 0), p1 = v128.shuffle<f32>(shares, shares, 1, 1, 1, 1);
  const p2 = v128.shuffle<f32>(shares, shares, 2, 2, 2, 2), p3 = v128.shuffle<f32>(shares, shares, 3, 3, 3, 3);
  const n0 = v128.shuffle<f32>(next, next, 0, 0, 0, 0), n1 = v128.shuffle<f32>(next, next, 1, 1, 1, 1);
  const n2 = v128.shuffle<f32>(next, next, 2, 2, 2, 2), n3 = v128.shuffle<f32>(next, next, 3, 3, 3, 3);
  let at: usize = 0;
  for (const whole = bytes & ~15; at < whole; at += 16) {
    let value = v128.load(v0 + at);
    let a = madd(p0, value, v128.load(out + at)), c = madd(n0, value, v128.load(out + toNext + at));
    value = v128.load(v1 + at);
    let b = f32x4.mul(p1, value), d = f32x4.mul(n1, value);
    value = v128.load(v2 + at);
    a = madd(p2, value, a);
    c = madd(n2, value, c);
    value = v128.load(v3 + at);
    b = madd(p3, value, b);
    d = madd(n3, value, d);
    v128.store(out + at, f32x4.add(a, b));
    v128.store(out + toNext + at, f32x4.add(c, d));
  }
  accumulateRest(out, v0, v1, v2, v3, shares, at, bytes);
  accumulateRest(out + toNext, v0, v1, v2, v3, next, at, bytes);
}

/** The features from `at` on, which fill no vector. */
@inline
function accumulateRest(
  out: usize,
  v0: usize,
  v1: usize,
  v2: usize,
  v3: usize,
  shares: v128,
  at: usize,
  bytes: usize,
): void {
  for (; at < bytes; at += 4) {
    const four = f32x4(load<f32>(v0 + at), load<f32>(v1 + at), load<f32>(v2 + at), load<f32>(v3 + at));
    store<f32>(out + at, load<f32>(out + at) + sum(f32x4.mul(shares, four)));
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
