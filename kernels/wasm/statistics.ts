/**
 * Statistics for calibration.
 */

/**
 * Adds x, [tokens, cols], to running sums of columns [from, to): sums is [3, cols] float64, Σx, Σ|x| and Σx².
 */
export function columnSums(sums: usize, x: usize, tokens: i32, cols: i32, from: i32, to: i32): void {
  const row = <usize> cols << 3;
  const pairs = from + (to - from & ~1);
  for (let t = 0; t < tokens; t++) {
    const values = x + (<usize> t * cols << 2);
    for (let c = from; c < pairs; c += 2) {
      const at = sums + (<usize> c << 3);
      const value = f64x2.promote_low_f32x4(v128.load64_zero(values + (<usize> c << 2)));
      v128.store(at, f64x2.add(v128.load(at), value));
      v128.store(at + row, f64x2.add(v128.load(at + row), f64x2.abs(value)));
      v128.store(at + 2 * row, f64x2.add(v128.load(at + 2 * row), f64x2.mul(value, value)));
    }
    if (pairs < to) {
      const at = sums + (<usize> pairs << 3);
      const value = <f64> load<f32>(values + (<usize> pairs << 2));
      store<f64>(at, load<f64>(at) + value);
      store<f64>(at + row, load<f64>(at + row) + abs(value));
      store<f64>(at + 2 * row, load<f64>(at + 2 * row) + value * value);
    }
  }
}
