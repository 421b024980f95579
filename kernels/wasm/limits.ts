/**
 * What a thread can do at most, to measure the other kernels by.
 */
import { madd, sum } from "./simd";

/** 96 float32 multiplications and additions, 12 of them at a time, for each item [from, to); the result is of no use. */
export function multiplyAdd(out: usize, from: i32, to: i32): void {
  const x = f32x4.splat(load<f32>(out));
  let a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
  for (let item = from; item < to; item++) {
    a = madd(a, x, x);
    b = madd(b, x, x);
    c = madd(c, x, x);
    d = madd(d, x, x);
    e = madd(e, x, x);
    f = madd(f, x, x);
    g = madd(g, x, x);
    h = madd(h, x, x);
    i = madd(i, x, x);
    j = madd(j, x, x);
    k = madd(k, x, x);
    l = madd(l, x, x);
  }
  a = f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.add(f32x4.add(e, f), f32x4.add(g, h)));
  a = f32x4.add(a, f32x4.add(f32x4.add(i, j), f32x4.add(k, l)));
  store<f32>(out, sum(a));
}

/** Reads blocks of 64 bytes, items [from, to); the result is of no use. */
export function readBlocks(out: usize, x: usize, from: i32, to: i32): void {
  let a = f32x4.splat(0), b = a, c = a, d = a;
  for (let at = x + (<usize> from << 6); at < x + (<usize> to << 6); at += 64) {
    a = f32x4.add(a, v128.load(at));
    b = f32x4.add(b, v128.load(at, 16));
    c = f32x4.add(c, v128.load(at, 32));
    d = f32x4.add(d, v128.load(at, 48));
  }
  store<f32>(out, sum(f32x4.add(f32x4.add(a, b), f32x4.add(c, d))));
}
