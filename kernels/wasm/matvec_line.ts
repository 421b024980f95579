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
