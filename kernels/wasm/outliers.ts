/**
 * What outliers add to a product, and to rows of a packed matrix: values f16 in columns u16, those of row r from starts[r]
 * (u32) to starts[r + 1].
 */
import { F16, load1 } from "./dtype";

/** out[t, r] += Σ values · x[t, columns] for rows [from, to) of all tokens. */
export function addOutliers(
  out: usize,
  x: usize,
  starts: usize,
  columns: usize,
  values: usize,
  tokens: i32,
  rows: i32,
  cols: i32,
  from: i32,
  to: i32,
): void {
  let i = load<u32>(starts + (<usize> from << 2));
  for (let r = from; r < to; r++) {
    const end = load<u32>(starts + (<usize> r << 2), 4);
    const first = i;
    if (first == end) continue;
    for (let t = 0; t < tokens; t++) {
      const row = x + (<usize> t * cols << 2);
      let sum: f32 = 0;
      for (i = first; i < end; i++) {
        const column = <usize> load<u16>(columns + (<usize> i << 1));
        sum += load1(values + (<usize> i << 1), F16) * load<f32>(row + (column << 2));
      }
      const target = out + (<usize> t * rows + r << 2);
      store<f32>(target, load<f32>(target) + sum);
    }
  }
}

/** out[t] += the outliers of row ids[t] for tokens [from, to). */
export function embedOutliers(
  out: usize,
  ids: usize,
  starts: usize,
  columns: usize,
  values: usize,
  cols: i32,
  from: i32,
  to: i32,
): void {
  for (let t = from; t < to; t++) {
    const place = starts + (<usize> load<i32>(ids + (<usize> t << 2)) << 2);
    const row = out + (<usize> t * cols << 2);
    for (let i = load<u32>(place), end = load<u32>(place, 4); i < end; i++) {
      const target = row + (<usize> load<u16>(columns + (<usize> i << 1)) << 2);
      store<f32>(target, load<f32>(target) + load1(values + (<usize> i << 1), F16));
    }
  }
}
