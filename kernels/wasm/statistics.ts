/**
 * Statistics for calibration.
 */

/**
 * Adds x, [tokens, cols], to running sums of columns [from, to): sums is [3, cols] float64, Σx, Σ|x| and Σx².
 */
export function columnSums(sums: usize, x: usize, tokens: i32, cols: i32, from: i32, to: i32): void {
  const row = <usize> cols << 3;
  for (let c = from; c < to; c++) {
    const at = sums + (<usize> c << 3);
    let plain = load<f64>(at), absolute = load<f64>(at + row), square = load<f64>(at + 2 * row);
    for (let t = 0; t < tokens; t++) {
      const value = <f64> load<f32>(x + (<usize> t * cols + c << 2));
      plain += value;
      absolute += abs(value);
      square += value * value;
    }
    store<f64>(at, plain);
    store<f64>(at + row, absolute);
    store<f64>(at + 2 * row, square);
  }
}
