/**
 * Products of weights of 8 bits with few tokens.
 */
import { rowBytes } from "./codes";
import { finish } from "./matvec_table";
import { madd } from "./simd";
import { groupsOf, scaleAt, Weight } from "./weight";

/**
 * Tables of 256 do not fit registers, but those of whole numbers are lines: table[code] = least + step · code. Σ step · code · x
 * is summed, least · Σ x is known.
 */
export function matvecLine(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  const mask = i32x4.splat((1 << w.bits) - 1 | 0xff0000);
  const groups = groupsOf(w);
  const blocks = w.cols + 31 >> 5;
  const perGroup = w.groupSize + 31 >> 5;
  for (let r = from; r < to; r++) {
    const table = w.tables + <usize> r * w.tableStride;
    const least = load<f32>(table), step = load<f32>(table, 4) - least;
    for (let t = 0; t < tokens; t++) {
      let codes = w.data + <usize> r * rowBytes(w.cols, 8);
      let at = x + (<usize> t * blocks << 7);
      const end = at + (<usize> blocks << 7);
      const plain = sums + (<usize> t * groups << 2);
      let total = f32x4.splat(0);
      for (let g = 0; g < groups; g++) {
        let group = f32x4.splat(0);
        for (const stop = min(at + (<usize> perGroup << 7), end); at < stop; at += 128) {
          const low = v128.load(codes), high = v128.load(codes, 16);
          group = f32x4.add(group, eight(v128.and(low, mask), at));
          group = f32x4.add(group, eight(v128.and(high, mask), at + 32));
          group = f32x4.add(group, eight(i16x8.shr_u(low, 8), at + 64));
          group = f32x4.add(group, eight(i16x8.shr_u(high, 8), at + 96));
          codes += 32;
        }
        const scale = scaleAt(w, r * groups + g);
        total = madd(f32x4.splat(scale * step), group, total);
        const offset = scale * least * load<f32>(plain + (<usize> g << 2));
        total = f32x4.add(total, f32x4.replace_lane(f32x4.splat(0), 0, offset));
      }
      finish(out + (<usize> t * w.rows << 2), w, r, total, plain, bias);
    }
  }
}

/** Σ code · x of eight 16-bit codes, in four lanes. */
@inline
function eight(codes: v128, x: usize): v128 {
  const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(codes));
  const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(codes));
  return madd(high, v128.load(x, 16), f32x4.mul(low, v128.load(x)));
}

/**
 * The same in whole numbers, activations as prepareInt16 of prepare_rounded.ts rounds them: sums within a block of 32 columns
 * are exact. Two rows at a time share what they are multiplied by, far apart and each read from one end to the other:
 * processors fetch ahead what is read in order.
 *
 * @param steps of the rounded activations.
 */
export function matvec8Int16(
  out: usize,
  x: usize,
  steps: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  // Engines make a constant anew at each use; this is none to them.
  const mask = i32x4.splat((1 << w.bits) - 1 | 0xff0000);
  const groups = groupsOf(w);
  const blocks = w.cols + 31 >> 5;
  const perGroup = <usize> (w.groupSize + 31 >> 5) << 6;
  const apart = to - from + 1 >> 1;
  for (let r = from; r < to; r += 2) {
    // An odd row out is computed twice.
    const next = min(r + 1, to - 1);
    const table0 = w.tables + <usize> r * w.tableStride, table1 = w.tables + <usize> next * w.tableStride;
    const toNext = <usize> (next - r) * rowBytes(w.cols, 8);
    for (let t = 0; t < tokens; t++) {
      let codes = w.data + <usize> r * rowBytes(w.cols, 8);
      let at = x + (<usize> t * blocks << 6);
      const end = at + (<usize> blocks << 6);
      let step = steps + (<usize> t * blocks << 2);
      const plain = sums + (<usize> t * groups << 2);
      let total0 = f32x4.splat(0), total1 = total0;
      let offset0: f32 = 0, offset1: f32 = 0;
      for (let g = 0; g < groups; g++) {
        let group0 = f32x4.splat(0), group1 = group0;
        for (const stop = min(at + perGroup, end); at < stop; at += 64) {
          const x0 = v128.load(at), x1 = v128.load(at, 16), x2 = v128.load(at, 32), x3 = v128.load(at, 48);
          const unit = v128.load32_splat(step);
          const low0 = v128.load(codes), high0 = v128.load(codes, 16);
          group0 = madd(unit, block(low0, high0, x0, x1, x2, x3, mask), group0);
          const low1 = v128.load(codes + toNext), high1 = v128.load(codes + toNext, 16);
          group1 = madd(unit, block(low1, high1, x0, x1, x2, x3, mask), group1);
          codes += 32;
          step += 4;
        }
        const sumOfX = load<f32>(plain + (<usize> g << 2));
        const scale0 = scaleAt(w, r * groups + g), scale1 = scaleAt(w, next * groups + g);
        total0 = madd(f32x4.splat(scale0), group0, total0);
        total1 = madd(f32x4.splat(scale1), group1, total1);
        offset0 += scale0 * sumOfX;
        offset1 += scale1 * sumOfX;
      }
      const target = out + (<usize> t * w.rows << 2);
      finish(target, w, r, line(total0, offset0, table0), plain, bias);
      finish(target, w, next, line(total1, offset1, table1), plain, bias);
    }
  }
}

/** What lanes of Σ scale · code · x and Σ scale · x stand for in a table that is a line. */
@inline
function line(codes: v128, offset: f32, table: usize): v128 {
  const least = load<f32>(table);
  const lowest = f32x4.replace_lane(f32x4.splat(0), 0, least * offset);
  return madd(f32x4.splat(load<f32>(table, 4) - least), codes, lowest);
}

/** Σ code · x of a block of 32 columns, in four lanes. */
@inline
function block(low: v128, high: v128, x0: v128, x1: v128, x2: v128, x3: v128, mask: v128): v128 {
  const even = i32x4.add(
    i32x4.dot_i16x8_s(v128.and(low, mask), x0),
    i32x4.dot_i16x8_s(v128.and(high, mask), x1),
  );
  const odd = i32x4.add(
    i32x4.dot_i16x8_s(i16x8.shr_u(low, 8), x2),
    i32x4.dot_i16x8_s(i16x8.shr_u(high, 8), x3),
  );
  return f32x4.convert_i32x4_s(i32x4.add(even, odd));
}
