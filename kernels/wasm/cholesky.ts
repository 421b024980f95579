/**
 * The Cholesky factor of lib/learn/cholesky.ts in blocks of rows, with its bits: every value is made smaller by the same
 * products in the same order.
 */

/** Columns that are worked on at a time, so that a block's stay in a core's cache. */
const TILE: i32 = 512;

@inline
function at(a: usize, n: i32, row: i32, column: i32): usize {
  return a + (<usize> row * n + column << 3);
}

/** line −= factor · other, for columns [from, to). */
@inline
function subtract(line: usize, other: usize, factor: f64, from: i32, to: i32): void {
  const f = f64x2.splat(factor);
  let i = from;
  for (; i + 2 <= to; i += 2) {
    const place = <usize> i << 3;
    v128.store(line + place, f64x2.sub(v128.load(line + place), f64x2.mul(f, v128.load(other + place))));
  }
  if (i < to) {
    const place = <usize> i << 3;
    store<f64>(line + place, load<f64>(line + place) - factor * load<f64>(other + place));
  }
}

/**
 * Factors the rows [top, bottom) of a f64 [n, n], from the last up, when those behind have been taken out of them. Writes 0 to
 * `positive`, an i32, when the matrix is not positive definite.
 */
export function factorizeBlock(a: usize, n: i32, top: i32, bottom: i32, positive: usize, _from: i32, _to: i32): void {
  for (let j = bottom - 1; j >= top; j--) {
    const line = at(a, n, j, 0);
    const square = load<f64>(at(a, n, j, j));
    if (!(square > 0 && square < Infinity)) {
      store<i32>(positive, 0);
      return;
    }
    const pivot = sqrt(square);
    for (let i = 0; i < j; i++) store<f64>(at(a, n, j, i), load<f64>(at(a, n, j, i)) / pivot);
    store<f64>(at(a, n, j, j), pivot);
    for (let m = top; m < j; m++) subtract(at(a, n, m, 0), line, load<f64>(at(a, n, j, m)), 0, m + 1);
  }
}

/** Takes the factored rows [top, bottom) out of rows [from, to) before them. */
export function subtractBlock(a: usize, n: i32, top: i32, bottom: i32, from: i32, to: i32): void {
  for (let start = 0; start < to; start += TILE) {
    for (let m = max(from, start); m < to; m++) {
      const line = at(a, n, m, 0);
      const end = min(start + TILE, m + 1);
      let j = bottom - 1;
      for (; j - 3 >= top; j -= 4) {
        const x0 = at(a, n, j, 0), x1 = at(a, n, j - 1, 0), x2 = at(a, n, j - 2, 0), x3 = at(a, n, j - 3, 0);
        const place = <usize> m << 3;
        const f0 = load<f64>(x0 + place), f1 = load<f64>(x1 + place), f2 = load<f64>(x2 + place), f3 = load<f64>(x3 + place);
        const v0 = f64x2.splat(f0), v1 = f64x2.splat(f1), v2 = f64x2.splat(f2), v3 = f64x2.splat(f3);
        let i = start;
        for (; i + 2 <= end; i += 2) {
          const here = <usize> i << 3;
          let s = v128.load(line + here);
          s = f64x2.sub(s, f64x2.mul(v0, v128.load(x0 + here)));
          s = f64x2.sub(s, f64x2.mul(v1, v128.load(x1 + here)));
          s = f64x2.sub(s, f64x2.mul(v2, v128.load(x2 + here)));
          s = f64x2.sub(s, f64x2.mul(v3, v128.load(x3 + here)));
          v128.store(line + here, s);
        }
        if (i < end) {
          const here = <usize> i << 3;
          let s = load<f64>(line + here);
          s -= f0 * load<f64>(x0 + here);
          s -= f1 * load<f64>(x1 + here);
          s -= f2 * load<f64>(x2 + here);
          s -= f3 * load<f64>(x3 + here);
          store<f64>(line + here, s);
        }
      }
      for (; j >= top; j--) subtract(line, at(a, n, j, 0), load<f64>(at(a, n, j, m)), start, end);
    }
  }
}
