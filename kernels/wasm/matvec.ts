/**
 * Products with few tokens: every weight is decoded once and used once.
 */
import { BF16, F16, F32 } from "./dtype";
import { matvecDense } from "./matvec_dense";
import { matvecLine } from "./matvec_line";
import { matvecTables } from "./matvec_table";
import { sum } from "./simd";
import { Weight } from "./weight";

/**
 * Prepares x, [tokens, cols], for {@link matvec} with a packed weight, for tokens [from, to): a row is padded with zeros
 * to a multiple of 32, and of each 32 values the even ones come first, as packed codes are looked up; sums[t, g] is the sum of
 * x over group g, which its zero is multiplied by.
 */
export function prepare(
  out: usize,
  sums: usize,
  x: usize,
  cols: i32,
  groupSize: i32,
  from: i32,
  to: i32,
): void {
  const blocks = cols + 31 >> 5;
  for (let t = from; t < to; t++) {
    const row = x + (<usize> t * cols << 2);
    const target = out + (<usize> t * blocks << 7);
    for (let c = 0; c < cols >> 3 << 3; c += 8) {
      const a = v128.load(row + (<usize> c << 2));
      const b = v128.load(row + (<usize> c << 2), 16);
      const at = target + (<usize> (c >> 5) << 7) + (<usize> (c & 31) << 1);
      v128.store(at, v128.shuffle<f32>(a, b, 0, 2, 4, 6));
      v128.store(at, v128.shuffle<f32>(a, b, 1, 3, 5, 7), 64);
    }
    for (let c = cols >> 3 << 3; c < blocks << 5; c++) {
      const value: f32 = c < cols ? load<f32>(row + (<usize> c << 2)) : 0;
      store<f32>(
        target + (<usize> (c >> 5) << 7) + (<usize> (c & 1) << 6) + (<usize> (c & 31) >> 1 << 2),
        value,
      );
    }
  }
  prepareSums(sums, x, cols, groupSize, from, to);
}

/** The sums of {@link prepare}. */
function prepareSums(sums: usize, x: usize, cols: i32, groupSize: i32, from: i32, to: i32): void {
  const groups = (cols + groupSize - 1) / groupSize;
  for (let t = from; t < to; t++) {
    const row = x + (<usize> t * cols << 2);
    for (let g = 0; g < groups; g++) {
      let c = g * groupSize;
      const end = min(c + groupSize, cols);
      let four = f32x4.splat(0);
      for (; c + 4 <= end; c += 4) four = f32x4.add(four, v128.load(row + (<usize> c << 2)));
      let total = sum(four);
      for (; c < end; c++) total += load<f32>(row + (<usize> c << 2));
      store<f32>(sums + (<usize> t * groups + g << 2), total);
    }
  }
}

/**
 * out[t, r] = x[t] · ŵ[r] + bias[r] for rows [from, to); bias 0: none.
 *
 * For a dense weight x is [tokens, cols]. For a packed one x and sums come from {@link prepare}; its groups are whole
 * blocks of 32 columns, or there is only one; its table, where codes have 8 bits, is a line.
 */
export function matvec(
  out: usize,
  x: usize,
  sums: usize,
  w: Weight,
  bias: usize,
  tokens: i32,
  from: i32,
  to: i32,
): void {
  if (w.bits == 4) matvecTables(out, x, sums, w, bias, tokens, from, to, 4);
  else if (w.bits == 3) matvecTables(out, x, sums, w, bias, tokens, from, to, 3);
  else if (w.bits == 2) matvecTables(out, x, sums, w, bias, tokens, from, to, 2);
  else if (w.bits == 8) matvecLine(out, x, sums, w, bias, tokens, from, to);
  else if (w.dtype == F32) matvecDense(out, x, w, bias, tokens, from, to, F32);
  else if (w.dtype == F16) matvecDense(out, x, w, bias, tokens, from, to, F16);
  else matvecDense(out, x, w, bias, tokens, from, to, BF16);
}
