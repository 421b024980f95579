/**
 * Gradients of what happens between products. g is the gradient by an operation's output; what is found is added to the
 * gradients by its inputs.
 */
import { activated, slope } from "./activate";
import { capped } from "./activations";
import { exp, firstLanes, largest as largestOf, madd, sum } from "./simd";

/**
 * dx[t] += the gradient by x[t] of a norm's output, for pieces [from, to) of `cols` values: with x̂ = (x − mean) · r and
 * h = g · weight, r · (h − mean h − x̂ · mean(h · x̂)); where not `centered`, both first means are left out.
 *
 * @param stats becomes [pieces, 2]: each one's mean and r.
 */
export function normGradient(
  dx: usize,
  stats: usize,
  x: usize,
  weight: usize,
  g: usize,
  cols: i32,
  epsilon: f32,
  centered: i32,
  from: i32,
  to: i32,
): void {
  const n = <f64> cols;
  for (let t = from; t < to; t++) {
    const start = <usize> t * cols << 2;
    let mean: f64 = 0;
    if (centered) {
      for (let c: usize = 0; c < <usize> cols << 2; c += 4) mean += load<f32>(x + start + c);
      mean /= n;
    }
    let squares: f64 = 0, total: f64 = 0, along: f64 = 0;
    for (let c: usize = 0; c < <usize> cols << 2; c += 4) {
      const off = <f64> load<f32>(x + start + c) - mean;
      const h = <f64> load<f32>(g + start + c) * load<f32>(weight + c);
      squares += off * off;
      total += h;
      along += h * off;
    }
    const r = 1 / Math.sqrt(squares / n + epsilon);
    const shift = centered ? total / n : 0;
    const pull = along * r * r / n;
    for (let c: usize = 0; c < <usize> cols << 2; c += 4) {
      const off = <f64> load<f32>(x + start + c) - mean;
      const h = <f64> load<f32>(g + start + c) * load<f32>(weight + c);
      store<f32>(dx + start + c, load<f32>(dx + start + c) + <f32> (r * (h - shift - off * pull)));
    }
    store<f32>(stats + (<usize> t << 3), <f32> mean);
    store<f32>(stats + (<usize> t << 3), <f32> r, 4);
  }
}

/**
 * dweight[c] += Σ g[t, c] · (x[t, c] − mean[t]) · r[t] and dbias[c] += Σ g[t, c] for columns [from, to); either may be 0.
 *
 * @param stats from {@link normGradient}.
 */
export function vectorGradient(
  dweight: usize,
  dbias: usize,
  stats: usize,
  x: usize,
  g: usize,
  rows: i32,
  cols: i32,
  from: i32,
  to: i32,
): void {
  for (let c = from; c < to; c++) {
    let total: f64 = 0, along: f64 = 0;
    for (let t = 0; t < rows; t++) {
      const at = <usize> t * cols + c << 2;
      const value = <f64> load<f32>(g + at);
      total += value;
      if (!dweight) continue;
      const mean = <f64> load<f32>(stats + (<usize> t << 3)), r = <f64> load<f32>(stats + (<usize> t << 3), 4);
      along += value * (load<f32>(x + at) - mean) * r;
    }
    const at = <usize> c << 2;
    if (dweight) store<f32>(dweight + at, load<f32>(dweight + at) + <f32> along);
    if (dbias) store<f32>(dbias + at, load<f32>(dbias + at) + <f32> total);
  }
}

/**
 * Gradients of f(x) · up, or of f(x) where up is 0, for blocks of 4 values [from, to): dx += g · f′(x) · up, dup += g · f(x).
 * Kinds as in activate.ts.
 */
export function activateGradient(
  dx: usize,
  dup: usize,
  x: usize,
  up: usize,
  g: usize,
  kind: i32,
  from: i32,
  to: i32,
): void {
  for (let at = <usize> from << 4; at < <usize> to << 4; at += 16) {
    const value = v128.load(x + at), by = v128.load(g + at);
    const through = up ? f32x4.mul(by, v128.load(up + at)) : by;
    v128.store(dx + at, madd(through, slope(value, kind), v128.load(dx + at)));
    if (up) v128.store(dup + at, madd(by, activated(value, kind), v128.load(dup + at)));
  }
}

/** g[i] *= 1 − (y[i] / cap)² for blocks of 4 values [from, to): the gradient of `softcap`, whose result is y. */
export function softcapGradient(g: usize, y: usize, cap: f32, from: i32, to: i32): void {
  for (let at = <usize> from << 4; at < <usize> to << 4; at += 16) {
    const part = f32x4.div(v128.load(y + at), f32x4.splat(cap));
    const slope = f32x4.sub(f32x4.splat(1), f32x4.mul(part, part));
    v128.store(g + at, f32x4.mul(v128.load(g + at), slope));
  }
}

/** What `columns` took is added where it came from: piece n of g[t] to dx[t] from first + n · stride on, for tokens [from, to). */
export function addColumns(
  dx: usize,
  g: usize,
  gCols: i32,
  cols: i32,
  first: i32,
  width: i32,
  stride: i32,
  from: i32,
  to: i32,
): void {
  for (let t = from; t < to; t++) {
    let target = dx + (<usize> t * cols + first << 2);
    for (let c = 0; c < gCols; c += width) {
      const source = g + (<usize> t * gCols + c << 2);
      for (let i: usize = 0; i < <usize> width << 2; i += 4) {
        store<f32>(target + i, load<f32>(target + i) + load<f32>(source + i));
      }
      target += <usize> stride << 2;
    }
  }
}

/**
 * Gradients of causal attention from position 0 on, for key heads [from, to) and the query heads that share them: with shares
 * p = softmax(scores), dp[s] = g · v[s] and d = p · (dp − Σ p · dp), dq += scale · Σ d[s] · k[s], dk[s] += scale · d[s] · q and
 * dv[s] += p[s] · g. If softcap is not 0, d is also multiplied by 1 − (score / softcap)².
 *
 * @param q q, dq, g are [tokens, heads · headDim], k, v, dk, dv [tokens, kvHeads · headDim].
 * @param scratch three rows of `room` values for each key head; room is at least tokens, a multiple of 4.
 */
export function attentionGradient(
  dq: usize,
  dk: usize,
  dv: usize,
  q: usize,
  k: usize,
  v: usize,
  g: usize,
  tokens: i32,
  heads: i32,
  kvHeads: i32,
  headDim: i32,
  scale: f32,
  softcap: f32,
  window: i32,
  scratch: usize,
  room: i32,
  from: i32,
  to: i32,
): void {
  const bytes = <usize> headDim << 2;
  const row = <usize> heads * bytes, keyRow = <usize> kvHeads * bytes;
  const shared = heads / kvHeads;
  for (let kvHead = from; kvHead < to; kvHead++) {
    const score = scratch + <usize> kvHead * 3 * (<usize> room << 2);
    const share = score + (<usize> room << 2), d = share + (<usize> room << 2);
    const head = <usize> kvHead * bytes;
    for (let h = kvHead * shared; h < (kvHead + 1) * shared; h++) {
      for (let t = 0; t < tokens; t++) {
        const begin = max(0, t + 1 - window), seen = t + 1 - begin;
        const query = q + <usize> t * row + <usize> h * bytes, out = g + <usize> t * row + <usize> h * bytes;
        const first = head + <usize> begin * keyRow;
        dots(score, query, k + first, keyRow, bytes, seen);
        shape(share, score, scale, softcap, seen);
        dots(d, out, v + first, keyRow, bytes, seen);
        let along = f32x4.splat(0);
        for (let s: usize = 0; s < <usize> seen << 2; s += 16) {
          along = madd(v128.load(share + s), v128.load(d + s), along);
        }
        const mean = f32x4.splat(sum(along));
        for (let s: usize = 0; s < <usize> seen << 2; s += 16) {
          let by = f32x4.mul(f32x4.mul(v128.load(share + s), f32x4.splat(scale)), f32x4.sub(v128.load(d + s), mean));
          if (softcap != 0) {
            const part = f32x4.div(v128.load(score + s), f32x4.splat(softcap));
            by = f32x4.mul(by, f32x4.sub(f32x4.splat(1), f32x4.mul(part, part)));
          }
          v128.store(d + s, by);
        }
        const dquery = dq + <usize> t * row + <usize> h * bytes;
        for (let s = 0; s < seen; s++) {
          const at = first + <usize> s * keyRow;
          const by = load<f32>(d + (<usize> s << 2));
          addTimes(dquery, k + at, by, bytes);
          addTimes(dk + at, query, by, bytes);
          addTimes(dv + at, out, load<f32>(share + (<usize> s << 2)), bytes);
        }
      }
    }
  }
}

/** out[s] = a · b[s] for the first n rows of b; what is behind them in a vector becomes 0. */
@inline
function dots(out: usize, a: usize, b: usize, step: usize, bytes: usize, n: i32): void {
  const whole = bytes & ~15;
  for (let s = 0; s < n; s++) {
    const row = b + <usize> s * step;
    let four = f32x4.splat(0);
    for (let at: usize = 0; at < whole; at += 16) four = madd(v128.load(a + at), v128.load(row + at), four);
    let total = sum(four);
    for (let at = whole; at < bytes; at += 4) total += load<f32>(a + at) * load<f32>(row + at);
    store<f32>(out + (<usize> s << 2), total);
  }
  for (let s = n; s & 3; s++) store<f32>(out + (<usize> s << 2), 0);
}

/** Products become scores, in place, and shares, which are 0 behind the n-th. */
@inline
function shape(share: usize, score: usize, scale: f32, softcap: f32, n: i32): void {
  let top = f32x4.splat(-f32.MAX_VALUE);
  for (let s = 0; s < n; s += 4) {
    const at = <usize> s << 2;
    let four = f32x4.mul(v128.load(score + at), f32x4.splat(scale));
    if (softcap != 0) four = capped(four, softcap);
    v128.store(score + at, four);
    const least = f32x4.splat(-f32.MAX_VALUE);
    const there = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n - s));
    top = f32x4.pmax(top, v128.bitselect(four, least, there));
  }
  const most = f32x4.splat(largestOf(top));
  let total = f32x4.splat(0);
  for (let s = 0; s < n; s += 4) {
    const at = <usize> s << 2;
    const power = firstLanes(exp(f32x4.sub(v128.load(score + at), most)), n - s);
    total = f32x4.add(total, power);
    v128.store(share + at, power);
  }
  const part = f32x4.splat(<f32> 1 / sum(total));
  for (let s = 0; s < n; s += 4) {
    const at = <usize> s << 2;
    v128.store(share + at, f32x4.mul(v128.load(share + at), part));
  }
}

/** out += by · x. */
@inline
function addTimes(out: usize, x: usize, by: f32, bytes: usize): void {
  const whole = bytes & ~15;
  const all = f32x4.splat(by);
  for (let at: usize = 0; at < whole; at += 16) {
    v128.store(out + at, madd(all, v128.load(x + at), v128.load(out + at)));
  }
  for (let at = whole; at < bytes; at += 4) store<f32>(out + at, load<f32>(out + at) + by * load<f32>(x + at));
}
