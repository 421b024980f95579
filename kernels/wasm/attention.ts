/**
 * Causal attention over a layer's cache. Keys are [kvHeads, room / 8, headDim, 8]: a vector has one feature of four keys, so that
 * scores need no sums across lanes. Values are [kvHeads, room / 32, ⌈headDim / 8⌉, 32, 8]: eight features of a block of keys are
 * read in order, which processors fetch ahead.
 *
 * Keys are taken in segments, which threads share out: each has a softmax of its own, kept as it goes, a block of keys at a time:
 * if a larger score turns up, what is summed so far shrinks (Milakov and Gimelshein, Online normalizer calculation for softmax).
 * Then segments are added up. Segments and blocks begin at multiples of their lengths, and sums run over keys and features in
 * order: a query has the same bits whichever are computed beside it. Four queries that use one key head share its loads.
 */
import { capped } from "./activations";
import { multiplyFour } from "./panels";
import { exp, largest as largestOf, madd, storeTurned, sum } from "./simd";

/** Keys that lie side by side, of a block, and of a segment; lib/compute/wasm/attention.ts knows the first and the last. */
const SIDE: i32 = 8;
const BLOCK: i32 = 32;
const SEGMENT: i32 = 256;

/** The score of a key that a query does not see: e^(NONE − largest) is 0 to a sum. */
const NONE: f32 = -f32.MAX_VALUE;

/** Bytes of eight features of a block of values. */
const EIGHT: usize = 1024;

/** Bytes of the scores of a block, of four queries. */
const SCORES: usize = 512;

/** Keeps keys x, [tokens, kvHeads · headDim], for tokens [from, to), of which the first is at `position`. */
export function storeKeys(
  out: usize,
  x: usize,
  kvHeads: i32,
  headDim: i32,
  room: i32,
  position: i32,
  from: i32,
  to: i32,
): void {
  for (let t = from; t < to; t++) {
    const at = position + t;
    for (let head = 0; head < kvHeads; head++) {
      const first = (head * room + (at & -SIDE)) * headDim + (at & SIDE - 1);
      let target = out + (<usize> first << 2);
      let source = x + (<usize> ((t * kvHeads + head) * headDim) << 2);
      for (const end = source + (<usize> headDim << 2); source < end; source += 4) {
        store<f32>(target, load<f32>(source));
        target += SIDE << 2;
      }
    }
  }
}

/** Keeps values likewise. */
export function storeValues(
  out: usize,
  x: usize,
  kvHeads: i32,
  headDim: i32,
  room: i32,
  position: i32,
  from: i32,
  to: i32,
): void {
  const width = widthOf(headDim);
  for (let t = from; t < to; t++) {
    const at = position + t;
    for (let head = 0; head < kvHeads; head++) {
      const first = (head * room + (at & -BLOCK)) * width + (at & BLOCK - 1) * 8;
      const target = out + (<usize> first << 2);
      const source = x + (<usize> ((t * kvHeads + head) * headDim) << 2);
      for (let d = 0; d < headDim; d += 8) {
        memory.copy(target + <usize> d * (BLOCK << 2), source + (<usize> d << 2), <usize> min(8, headDim - d) << 2);
      }
    }
  }
}

/** Features of a head, and what fills them up to whole eights. */
@inline
function widthOf(headDim: i32): i32 {
  return headDim + 7 & ~7;
}

/** Bytes of what a segment gives four queries: their outputs, lanes of their sums of shares, their largest scores. */
@inline
function stateBytes(headDim: i32): usize {
  return (<usize> widthOf(headDim) << 4) + 80;
}

/**
 * What a segment of keys gives four queries, for items [from, to): item ((tile · kvHeads) + key head) · segments + segment. A tile
 * is four queries of a key head, tokens first: query i of them is of token ⌊i · kvHeads / heads⌋.
 *
 * @param states what the items give, see {@link stateBytes}.
 * @param work 16 · headDim + 1,024 bytes for each piece of `grain` items that may run at the same time.
 * @param firstSegment the segment that counts as the first.
 */
export function attend(
  states: usize,
  work: usize,
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
  firstSegment: i32,
  segments: i32,
  grain: i32,
  from: i32,
  to: i32,
): void {
  const share = heads / kvHeads;
  const width = widthOf(headDim);
  const scores = work + <usize> (from / grain) * ((<usize> headDim << 4) + 2 * SCORES);
  const shares = scores + SCORES, queries = shares + SCORES;
  for (let item = from; item < to; item++) {
    const tile = item / segments / kvHeads, head = item / segments % kvHeads;
    const first = 4 * tile, n = min(4, tokens * share - first);
    const segment = (firstSegment + item % segments) * SEGMENT;
    const seen = position + first / share + 1;
    const begin = max(segment, seen - window);
    const end = min(segment + SEGMENT, position + (first + n - 1) / share + 1);
    if (begin >= end) continue;
    const state = states + <usize> item * stateBytes(headDim);
    const totals = state + (<usize> width << 4), tops = totals + 64;
    memory.fill(state, 0, tops - state);
    v128.store(tops, f32x4.splat(NONE));
    const query = gatherQueries(queries, q, first, n, head, share, heads, headDim);
    const k = keys + (<usize> (head * room * headDim) << 2), v = values + (<usize> (head * room * width) << 2);
    for (let s = begin & -BLOCK; s < end; s += BLOCK) {
      const at = k + (<usize> (s * headDim) << 2);
      const some = min(BLOCK, end - s);
      if (n == 1) scoresOfOne(scores, query, at, headDim);
      else scoresOfFour(scores, query, at, headDim, some);
      for (let i = 0; i < n; i++) {
        const seen = position + (first + i) / share + 1;
        const row = <usize> i;
        const low = max(0, seen - window) - s, high = seen - s;
        soften(scores + (row << 7), low, high, scale, softcap, state + row * (<usize> width << 2), <usize> width << 2, totals + (row << 4), tops + (row << 2));
      }
      const value = v + (<usize> (s * width) << 2);
      if (n == 1) addValuesOfOne(state, scores, value, width, some);
      else {
        for (let at: usize = 0; at < 128; at += 16) {
          storeTurned(shares + 4 * at, 16, v128.load(scores + at), v128.load(scores + at, 128), v128.load(scores + at, 256), v128.load(scores + at, 384));
        }
        addValuesOfFour(state, shares, value, width, some);
      }
    }
  }
}

/** Where queries are: in place if it is one, else [headDim, 4]; the last stands for those that are missing. */
function gatherQueries(
  out: usize,
  q: usize,
  first: i32,
  n: i32,
  head: i32,
  share: i32,
  heads: i32,
  headDim: i32,
): usize {
  for (let i = 0; i < 4; i++) {
    const at = first + min(i, n - 1);
    const source = q + (<usize> ((at / share * heads + head * share + at % share) * headDim) << 2);
    if (n == 1) return source;
    for (let d = 0; d < headDim; d++) {
      store<f32>(out + (<usize> d << 4) + (<usize> i << 2), load<f32>(source + (<usize> d << 2)));
    }
  }
  return out;
}

/** Products of four queries with `some` keys, or a few more, [4, 32]. */
function scoresOfFour(out: usize, queries: usize, keys: usize, headDim: i32, some: i32): void {
  const bytes = <usize> headDim << 4;
  for (let s = 0; s < some; s += SIDE) {
    multiplyFour(out, 128, queries, queries + bytes, keys, 16, false);
    keys += 2 * bytes;
    out += 32;
  }
}

/** Products of a query with the 32 keys of a block. */
function scoresOfOne(out: usize, query: usize, keys: usize, headDim: i32): void {
  const apart = <usize> headDim << 5;
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (const end = query + (<usize> headDim << 2); query < end; query += 4) {
    const x = v128.load32_splat(query);
    a0 = madd(x, v128.load(keys), a0);
    a1 = madd(x, v128.load(keys, 16), a1);
    b0 = madd(x, v128.load(keys + apart), b0);
    b1 = madd(x, v128.load(keys + apart, 16), b1);
    c0 = madd(x, v128.load(keys + 2 * apart), c0);
    c1 = madd(x, v128.load(keys + 2 * apart, 16), c1);
    d0 = madd(x, v128.load(keys + 3 * apart), d0);
    d1 = madd(x, v128.load(keys + 3 * apart, 16), d1);
    keys += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out, b0, 32);
  v128.store(out, b1, 48);
  v128.store(out, c0, 64);
  v128.store(out, c1, 80);
  v128.store(out, d0, 96);
  v128.store(out, d1, 112);
}

/**
 * Turns a query's products with the 32 keys of a block, of which it sees [low, high), into shares, e^(score − largest), and brings
 * what is summed so far, out and total, up to its new largest score.
 */
function soften(
  scores: usize,
  low: i32,
  high: i32,
  scale: f32,
  softcap: f32,
  out: usize,
  bytes: usize,
  total: usize,
  top: usize,
): void {
  const cut = low > 0 || high < BLOCK;
  let most = f32x4.splat(NONE);
  for (let at: usize = 0; at < 128; at += 16) {
    let score = f32x4.mul(f32x4.splat(scale), v128.load(scores + at));
    if (softcap != 0) score = capped(score, softcap);
    if (cut) score = visible(score, <i32> (at >> 2), low, high);
    v128.store(scores + at, score);
    most = f32x4.pmax(most, score);
  }
  const largest = largestOf(most);
  let sums = v128.load(total);
  let kept = load<f32>(top);
  if (largest > kept) {
    const factor = exp(f32x4.splat(kept - largest));
    for (const end = out + bytes; out < end; out += 16) v128.store(out, f32x4.mul(v128.load(out), factor));
    sums = f32x4.mul(sums, factor);
    store<f32>(top, kept = largest);
  }
  for (let at: usize = 0; at < 128; at += 16) {
    const score = v128.load(scores + at);
    let share = exp(f32x4.sub(score, f32x4.splat(kept)));
    if (cut) share = v128.andnot(share, f32x4.eq(score, f32x4.splat(NONE)));
    v128.store(scores + at, share);
    sums = f32x4.add(sums, share);
  }
  v128.store(total, sums);
}

/** The scores of keys from s on that are among [low, high), {@link NONE} for others. */
@inline
function visible(scores: v128, s: i32, low: i32, high: i32): v128 {
  const at = i32x4.add(i32x4.splat(s), i32x4(0, 1, 2, 3));
  const seen = v128.and(i32x4.ge_s(at, i32x4.splat(low)), i32x4.lt_s(at, i32x4.splat(high)));
  return v128.bitselect(scores, f32x4.splat(NONE), seen);
}

/** out[i] += Σ shares[s, i] · values[s] over `some` values, for four queries. */
function addValuesOfFour(out: usize, shares: usize, values: usize, width: i32, some: i32): void {
  const row = <usize> width << 2;
  const end = shares + (<usize> some << 4);
  for (const last = out + row; out < last; out += 32) {
    multiplyFour(out, row, shares, end, values, 16, true);
    values += EIGHT;
  }
}

/** The same for one query: out += Σ shares[s] · values[s]. */
function addValuesOfOne(out: usize, shares: usize, values: usize, width: i32, some: i32): void {
  const row = <usize> width << 2;
  const end = shares + (<usize> some << 2), last = out + row;
  for (; out + 128 <= last; out += 128) {
    let a0 = v128.load(out), a1 = v128.load(out, 16), a2 = v128.load(out, 32), a3 = v128.load(out, 48);
    let a4 = v128.load(out, 64), a5 = v128.load(out, 80), a6 = v128.load(out, 96), a7 = v128.load(out, 112);
    let value = values;
    for (let at = shares; at < end; at += 4) {
      const x = v128.load32_splat(at);
      a0 = madd(x, v128.load(value), a0);
      a1 = madd(x, v128.load(value, 16), a1);
      a2 = madd(x, v128.load(value, EIGHT), a2);
      a3 = madd(x, v128.load(value, EIGHT + 16), a3);
      a4 = madd(x, v128.load(value, 2 * EIGHT), a4);
      a5 = madd(x, v128.load(value, 2 * EIGHT + 16), a5);
      a6 = madd(x, v128.load(value, 3 * EIGHT), a6);
      a7 = madd(x, v128.load(value, 3 * EIGHT + 16), a7);
      value += 32;
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, a2, 32);
    v128.store(out, a3, 48);
    v128.store(out, a4, 64);
    v128.store(out, a5, 80);
    v128.store(out, a6, 96);
    v128.store(out, a7, 112);
    values += 4 * EIGHT;
  }
  for (; out < last; out += 32) {
    let a0 = v128.load(out), a1 = v128.load(out, 16);
    let value = values;
    for (let at = shares; at < end; at += 4) {
      const x = v128.load32_splat(at);
      a0 = madd(x, v128.load(value), a0);
      a1 = madd(x, v128.load(value, 16), a1);
      value += 32;
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    values += EIGHT;
  }
}

/** out[t, h] = Σ softmax(scores) · V from what segments gave, for items [from, to): t · heads + h. Arguments as of {@link attend}. */
export function addSegments(
  out: usize,
  states: usize,
  heads: i32,
  kvHeads: i32,
  headDim: i32,
  position: i32,
  window: i32,
  firstSegment: i32,
  segments: i32,
  from: i32,
  to: i32,
): void {
  const share = heads / kvHeads;
  const row = <usize> widthOf(headDim) << 2;
  const bytes = stateBytes(headDim);
  for (let item = from; item < to; item++) {
    const t = item / heads, h = item % heads;
    const query = t * share + h % share;
    const i = <usize> (query & 3);
    const seen = position + t + 1;
    const first = max(0, seen - window) / SEGMENT - firstSegment, last = (seen - 1) / SEGMENT - firstSegment;
    const begin = states + <usize> (((query >> 2) * kvHeads + h / share) * segments + first) * bytes;
    const end = begin + <usize> (last - first + 1) * bytes;
    const totals = 4 * row + (i << 4), tops = 4 * row + 64 + (i << 2);
    let largest = NONE;
    for (let state = begin; state < end; state += bytes) largest = max(largest, load<f32>(state + tops));
    let total: f32 = 0;
    for (let state = begin; state < end; state += bytes) {
      const factor = f32x4.extract_lane(exp(f32x4.splat(load<f32>(state + tops) - largest)), 0);
      // Each segment's factor takes the place of its largest score.
      store<f32>(state + tops, factor);
      total += factor * sum(v128.load(state + totals));
    }
    const one = <f32> 1 / total;
    const target = out + (<usize> (item * headDim) << 2);
    for (let d = 0; d < headDim; d += 4) {
      const at = <usize> d << 2;
      let value = f32x4.splat(0);
      for (let state = begin; state < end; state += bytes) {
        value = madd(v128.load32_splat(state + tops), v128.load(state + i * row + at), value);
      }
      value = f32x4.mul(value, f32x4.splat(one));
      if (d + 4 <= headDim) v128.store(target + at, value);
      else {
        v128.store32_lane(target + at, value, 0);
        if (d + 2 <= headDim) v128.store32_lane(target + at, value, 1, 4);
        if (d + 3 <= headDim) v128.store32_lane(target + at, value, 2, 8);
      }
    }
  }
}
