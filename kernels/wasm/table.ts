/**
 * Products with table-quantized weights: ŵ[r, c] = scale[r, g] · table[r][code[r, c]] + zero[r, g].
 */
import { codeAt, rowBytes } from "./codes";

/**
 * out[t, r] = Σ x[t] · ŵ[r] + bias[r] for rows [from, to).
 *
 * @param tableStride bytes between the tables of two rows; 0 where all share one.
 * @param zeros 0: none.
 * @param bias 0: none.
 */
export function linearTable(
  out: usize,
  x: usize,
  codes: usize,
  tables: usize,
  tableStride: i32,
  scales: usize,
  zeros: usize,
  bias: usize,
  tokens: i32,
  rows: i32,
  cols: i32,
  bits: i32,
  groupSize: i32,
  from: i32,
  to: i32,
): void {
  const groups = (cols + groupSize - 1) / groupSize;
  for (let r = from; r < to; r++) {
    const row = codes + <usize> r * rowBytes(cols, bits);
    const table = tables + <usize> r * tableStride;
    for (let t = 0; t < tokens; t++) {
      const token = x + (<usize> t * cols << 2);
      let total: f32 = 0;
      for (let g = 0; g < groups; g++) {
        const place = <usize> r * groups + g << 2;
        let products: f32 = 0, plain: f32 = 0;
        const end = min((g + 1) * groupSize, cols);
        for (let c = g * groupSize; c < end; c++) {
          const value = load<f32>(token + (<usize> c << 2));
          products += value * load<f32>(table + (<usize> codeAt(row, c, bits) << 2));
          plain += value;
        }
        total += products * load<f32>(scales + place);
        if (zeros != 0) total += plain * load<f32>(zeros + place);
      }
      if (bias != 0) total += load<f32>(bias + (<usize> r << 2));
      store<f32>(out + (<usize> t * rows + r << 2), total);
    }
  }
}
