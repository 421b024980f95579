/**
 * Rounding to the nearest value of a table: lib/learn/nearest.ts for whole rows.
 */
import { packCodes, rowBytes } from "./codes";
import { giveSlot, takeSlot } from "./kmeans_workspace";

/** Where a slot has what a table's values in ascending order are parted by, f64[256]; their codes; and a row of codes. */
const THRESHOLDS: usize = 64;
const ORDER: usize = THRESHOLDS + 8 * 256;
export const CODES: usize = ORDER + 256;

@inline
function valueOf(table: usize, code: i32): f32 {
  return load<f32>(table + (<usize> code << 2));
}

/** Takes a table of k values, in any order; of equal ones the first counts. */
export function loadTable(slot: usize, table: usize, k: i32): void {
  const order = slot + ORDER;
  let count = 0;
  for (let code = 0; code < k; code++) {
    const value = valueOf(table, code);
    let place = count;
    while (place > 0 && valueOf(table, load<u8>(order + place - 1)) > value) place--;
    if (place > 0 && valueOf(table, load<u8>(order + place - 1)) == value) continue;
    memory.copy(order + place + 1, order + place, count - place);
    store<u8>(order + place, code);
    count++;
  }
  for (let i = 0; i < k; i++) {
    const threshold = i + 1 < count
      ? (<f64> valueOf(table, load<u8>(order + i)) + <f64> valueOf(table, load<u8>(order + i + 1))) / 2
      : Infinity;
    store<f64>(slot + THRESHOLDS + (<usize> i << 3), threshold);
  }
}

/** The code of the value nearest to x; a tie goes to the even code. */
@inline
export function nearestCode(slot: usize, x: f64, k: i32): u8 {
  let low = slot + THRESHOLDS;
  for (let half = <usize> k << 2; half >= 8; half >>= 1) {
    low = select(low + half, low, x > load<f64>(low + half - 8));
  }
  const place = slot + ORDER + (low - slot - THRESHOLDS >> 3);
  const code = <i32> load<u8>(place);
  return <u8> load<u8>(place + (code & i32(x == load<f64>(low)) & 1));
}

/**
 * Rounds rows [from, to) of data f32 [rows, cols], scaled to (w − zero) / scale, to tables of 2^bits float32 values, `stride`
 * bytes apart (0 for one table), and packs their codes.
 *
 * scales and zeros (or 0) f32 [rows, groups]; `slots` a slot of scratch for each thread, its first word 0, of 65536 + cols
 * bytes or more.
 */
export function roundRows(
  words: usize, data: usize, scales: usize, zeros: usize, tables: usize, stride: i32, bits: i32,
  cols: i32, groupSize: i32, slots: usize, slotBytes: usize, from: i32, to: i32,
): void {
  const workspace = takeSlot(slots, slotBytes);
  const slot = changetype<usize>(workspace);
  const groups = (cols + groupSize - 1) / groupSize;
  const k = 1 << bits;
  for (let r = from; r < to; r++) {
    if (r == from || stride != 0) loadTable(slot, tables + <usize> r * stride, k);
    const row = data + (<usize> r * cols << 2);
    let group = <usize> r * groups;
    for (let start = 0; start < cols; start += groupSize, group++) {
      const scale = <f64> load<f32>(scales + (group << 2));
      const zero = zeros ? <f64> load<f32>(zeros + (group << 2)) : 0;
      const end = min(start + groupSize, cols);
      for (let c = start; c < end; c++) {
        const value = scale == 0 ? 0 : (<f64> load<f32>(row + (<usize> c << 2)) - zero) / scale;
        store<u8>(slot + CODES + c, nearestCode(slot, value, k));
      }
    }
    packCodes(words + <usize> r * rowBytes(cols, bits), slot + CODES, cols, bits, 0, 1);
  }
  giveSlot(workspace);
}
