/**
 * Tables, scales and codes improved in turns against a Hessian: lib/learn/row_descent.ts for whole rows, with its bits.
 */
import { codeAt, packCodes, rowBytes } from "./codes";
import { giveSlot, takeSlot } from "./kmeans_workspace";
import { f16round } from "./learn";
import { CODES, loadTable, nearestCode } from "./learn_round";

/** A row at hand, in a slot. Arrays are f64[cols] where nothing else is said. */
@unmanaged
class Row {
  lock: i32;
  cols: i32;
  /** Entries of the table. */
  k: i32;
  /** Columns of a group. */
  groupSize: i32;
  /** f32 [cols, cols]. */
  hessian: usize;
  /** f32 [k]. */
  table: usize;
  /** f. */
  error: f64;
}

/** Bytes of the slot from which loadTable() and nearestCode() have theirs. */
const TABLE: usize = 64;

@inline
function slotOf(row: Row): usize {
  return changetype<usize>(row) + TABLE;
}
@inline
function codesOf(row: Row): usize {
  return slotOf(row) + CODES;
}
@inline
function numbers(row: Row, n: i32): usize {
  return (codesOf(row) + row.cols + 63 & ~63) + (<usize> n * row.cols << 3);
}
@inline
function weightsOf(row: Row): usize {
  return numbers(row, 0);
}
@inline
function scalesOf(row: Row): usize {
  return numbers(row, 1);
}
@inline
function zerosOf(row: Row): usize {
  return numbers(row, 2);
}
@inline
function differencesOf(row: Row): usize {
  return numbers(row, 3);
}
@inline
function gradientOf(row: Row): usize {
  return numbers(row, 4);
}
/** i32 [cols], the columns by their codes. */
@inline
function sortedOf(row: Row): usize {
  return numbers(row, 5);
}
/** f64 [k, cols] (H S)ᵀ, then what small() has. */
@inline
function spreadOf(row: Row): usize {
  return numbers(row, 6);
}
/** Arrays f64 of a multiple of k values: [k, k] the normal matrix, [k] slopes, [k, k] a factor, [k] steps, [k + 2] starts. */
@inline
function small(row: Row, n: i32): usize {
  return numbers(row, 6 + row.k) + (<usize> n * row.k << 3);
}

@inline
function f64At(array: usize, i: i32): f64 {
  return load<f64>(array + (<usize> i << 3));
}
@inline
function put(array: usize, i: i32, value: f64): void {
  store<f64>(array + (<usize> i << 3), value);
}
@inline
function lineOf(row: Row, c: i32): usize {
  return row.hessian + (<usize> c * row.cols << 2);
}
@inline
function codeOf(row: Row, c: i32): i32 {
  return load<u8>(codesOf(row) + c);
}
/** What a code stands for in column c. */
@inline
function valueOf(row: Row, c: i32, code: i32): f64 {
  return f64At(scalesOf(row), c) * <f64> load<f32>(row.table + (<usize> code << 2)) + f64At(zerosOf(row), c);
}
@inline
function wide(floats: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(floats));
}
@inline
function total(ab: v128, cd: v128): f64 {
  return f64x2.extract_lane(ab, 0) + f64x2.extract_lane(ab, 1) +
    (f64x2.extract_lane(cd, 0) + f64x2.extract_lane(cd, 1));
}

/** g = H d, with the sums of lib/learn/dot.ts; four lines at a time, as additions wait for those before. */
function multiply(row: Row): void {
  const cols = row.cols;
  const d = differencesOf(row), g = gradientOf(row);
  const step = <usize> cols << 2;
  for (let c = 0; c < cols; c += 4) {
    // Beyond the last line it reads the last one again.
    const most = cols - 1;
    let h0 = lineOf(row, c);
    let h1 = lineOf(row, min(c + 1, most)), h2 = lineOf(row, min(c + 2, most)), h3 = lineOf(row, min(c + 3, most));
    let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0, c0 = a0, c1 = a0, c2 = a0, c3 = a0;
    let i = 0;
    let x = d;
    for (; i + 4 <= cols; i += 4) {
      const left = v128.load(x), right = v128.load(x, 16);
      a0 = f64x2.add(a0, f64x2.mul(wide(h0), left));
      c0 = f64x2.add(c0, f64x2.mul(wide(h0 + 8), right));
      a1 = f64x2.add(a1, f64x2.mul(wide(h1), left));
      c1 = f64x2.add(c1, f64x2.mul(wide(h1 + 8), right));
      a2 = f64x2.add(a2, f64x2.mul(wide(h2), left));
      c2 = f64x2.add(c2, f64x2.mul(wide(h2 + 8), right));
      a3 = f64x2.add(a3, f64x2.mul(wide(h3), left));
      c3 = f64x2.add(c3, f64x2.mul(wide(h3 + 8), right));
      x += 32;
      h0 += 16;
      h1 += 16;
      h2 += 16;
      h3 += 16;
    }
    for (; i < cols; i++) {
      const value = load<f64>(x);
      a0 = f64x2.replace_lane(a0, 0, f64x2.extract_lane(a0, 0) + <f64> load<f32>(h0) * value);
      a1 = f64x2.replace_lane(a1, 0, f64x2.extract_lane(a1, 0) + <f64> load<f32>(h1) * value);
      a2 = f64x2.replace_lane(a2, 0, f64x2.extract_lane(a2, 0) + <f64> load<f32>(h2) * value);
      a3 = f64x2.replace_lane(a3, 0, f64x2.extract_lane(a3, 0) + <f64> load<f32>(h3) * value);
      x += 8;
      h0 += 4;
      h1 += 4;
      h2 += 4;
      h3 += 4;
    }
    put(g, c, total(a0, c0));
    if (c + 1 < cols) put(g, c + 1, total(a1, c1));
    if (c + 2 < cols) put(g, c + 2, total(a2, c2));
    if (c + 3 < cols) put(g, c + 3, total(a3, c3));
  }
}

/** sum f64[n] += by · line f32[n]. */
@inline
function addLine(sum: usize, line: usize, by: f64, n: i32): void {
  const factor = f64x2.splat(by);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(sum, f64x2.add(v128.load(sum), f64x2.mul(factor, wide(line))));
    v128.store(sum, f64x2.add(v128.load(sum, 16), f64x2.mul(factor, wide(line + 8))), 16);
    sum += 32;
    line += 16;
  }
  for (; i < n; i++) {
    store<f64>(sum, load<f64>(sum) + by * <f64> load<f32>(line));
    sum += 8;
    line += 4;
  }
}

/** addLine() for four lines, one after the other in each sum. */
@inline
function addLines(sum: usize, l0: usize, l1: usize, l2: usize, l3: usize, b0: f64, b1: f64, b2: f64, b3: f64, n: i32): void {
  const f0 = f64x2.splat(b0), f1 = f64x2.splat(b1), f2 = f64x2.splat(b2), f3 = f64x2.splat(b3);
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    let s = v128.load(sum);
    s = f64x2.add(s, f64x2.mul(f0, wide(l0)));
    s = f64x2.add(s, f64x2.mul(f1, wide(l1)));
    s = f64x2.add(s, f64x2.mul(f2, wide(l2)));
    s = f64x2.add(s, f64x2.mul(f3, wide(l3)));
    v128.store(sum, s);
    sum += 16;
    l0 += 8;
    l1 += 8;
    l2 += 8;
    l3 += 8;
  }
  if (i < n) {
    let s = load<f64>(sum);
    s += b0 * <f64> load<f32>(l0);
    s += b1 * <f64> load<f32>(l1);
    s += b2 * <f64> load<f32>(l2);
    s += b3 * <f64> load<f32>(l3);
    store<f64>(sum, s);
  }
}

/** roundTo() of lib/matrix/rounding.ts. */
@inline
function roundTo(step: f64, least: f64, largest: f64, half: i32, value: f64): f64 {
  if (step == 0) return half ? f16round(value) : <f64> <f32> value;
  return step * min(max(floor(<f64> <f32> value / step + 0.5), least), largest) + 0;
}

/** Takes row r: its numbers, the codes in its words, and what they come to. */
function begin(row: Row, words: usize, data: usize, scales: usize, zeros: usize, bits: i32, r: i32): void {
  const cols = row.cols, groupSize = row.groupSize;
  const group = <usize> r * ((cols + groupSize - 1) / groupSize);
  const packed = words + <usize> r * rowBytes(cols, bits);
  const w = weightsOf(row), s = scalesOf(row), z = zerosOf(row), d = differencesOf(row), g = gradientOf(row);
  for (let c = 0; c < cols; c++) {
    const at = group + c / groupSize << 2;
    put(w, c, load<f32>(data + (<usize> r * cols + c << 2)));
    put(s, c, load<f32>(scales + at));
    put(z, c, zeros ? <f64> load<f32>(zeros + at) : 0);
    store<u8>(codesOf(row) + c, codeAt(packed, c, bits));
  }
  loadTable(slotOf(row), row.table, row.k);
  for (let c = 0; c < cols; c++) put(d, c, valueOf(row, c, codeOf(row, c)) - f64At(w, c));
  multiply(row);
  let error: f64 = 0;
  for (let c = 0; c < cols; c++) error += f64At(d, c) * f64At(g, c);
  row.error = error;
}

/** Gives each column in turn the code that makes f least; returns how many changed. */
function sweep(row: Row): i32 {
  const cols = row.cols;
  const w = weightsOf(row), d = differencesOf(row), g = gradientOf(row), s = scalesOf(row), z = zerosOf(row);
  let changed = 0;
  for (let c = 0; c < cols; c++) {
    const line = lineOf(row, c);
    const own = <f64> load<f32>(line + (<usize> c << 2));
    const slope = f64At(g, c);
    const weight = f64At(w, c), before = f64At(d, c), scale = f64At(s, c);
    const best = weight + before - slope / own;
    const code = <i32> nearestCode(slotOf(row), scale == 0 ? 0 : (best - f64At(z, c)) / scale, row.k);
    if (code == codeOf(row, c)) continue;
    const difference = valueOf(row, c, code) - weight;
    const step = difference - before;
    const gain = step * (2 * slope + step * own);
    if (!(gain < 0)) continue;
    store<u8>(codesOf(row) + c, code);
    put(d, c, difference);
    addLine(g, line, step, cols);
    row.error += gain;
    changed++;
  }
  return changed;
}

/** Lists columns by their codes; starts i32 [k + 2]. */
function sortByCode(row: Row, starts: usize): void {
  const cols = row.cols;
  memory.fill(starts, 0, row.k + 2 << 2);
  for (let c = 0; c < cols; c++) {
    const at = starts + (<usize> codeOf(row, c) + 2 << 2);
    store<i32>(at, load<i32>(at) + 1);
  }
  for (let k = 2; k < row.k + 2; k++) {
    const at = starts + (<usize> k << 2);
    store<i32>(at, load<i32>(at) + load<i32>(at - 4));
  }
  for (let c = 0; c < cols; c++) {
    const at = starts + (<usize> codeOf(row, c) + 1 << 2);
    const n = load<i32>(at);
    store<i32>(at, n + 1);
    store<i32>(sortedOf(row) + (<usize> n << 2), c);
  }
}

/** (H S)ᵀ. */
function spreadCodes(row: Row, starts: usize): void {
  const cols = row.cols;
  const s = scalesOf(row);
  memory.fill(spreadOf(row), 0, <usize> row.k * cols << 3);
  for (let k = 0; k < row.k; k++) {
    const sum = spreadOf(row) + (<usize> k * cols << 3);
    let n = load<i32>(starts + (<usize> k << 2));
    const end = load<i32>(starts + (<usize> k << 2), 4);
    for (; n + 4 <= end; n += 4) {
      const at = sortedOf(row) + (<usize> n << 2);
      const c0 = load<i32>(at), c1 = load<i32>(at, 4), c2 = load<i32>(at, 8), c3 = load<i32>(at, 12);
      addLines(
        sum, lineOf(row, c0), lineOf(row, c1), lineOf(row, c2), lineOf(row, c3),
        f64At(s, c0), f64At(s, c1), f64At(s, c2), f64At(s, c3), cols,
      );
    }
    for (; n < end; n++) {
      const c = load<i32>(sortedOf(row) + (<usize> n << 2));
      addLine(sum, lineOf(row, c), f64At(s, c), cols);
    }
  }
}

/** factorize() of lib/learn/cholesky.ts. */
function factorize(a: usize, n: i32): bool {
  for (let j = n - 1; j >= 0; j--) {
    const square = f64At(a, j * n + j);
    if (!(square > 0 && square < Infinity)) return false;
    const pivot = sqrt(square);
    for (let i = 0; i < j; i++) put(a, j * n + i, f64At(a, j * n + i) / pivot);
    put(a, j * n + j, pivot);
    for (let m = 0; m < j; m++) {
      const factor = f64At(a, j * n + m);
      for (let i = 0; i <= m; i++) put(a, m * n + i, f64At(a, m * n + i) - factor * f64At(a, j * n + i));
    }
  }
  return true;
}

/** solveFactored() of lib/learn/cholesky.ts. */
function solveFactored(l: usize, n: i32, b: usize): void {
  for (let j = n - 1; j >= 0; j--) {
    let sum = f64At(b, j);
    for (let k = j + 1; k < n; k++) sum -= f64At(l, k * n + j) * f64At(b, k);
    put(b, j, sum / f64At(l, j * n + j));
  }
  for (let j = 0; j < n; j++) {
    let sum = f64At(b, j);
    for (let k = 0; k < j; k++) sum -= f64At(l, j * n + k) * f64At(b, k);
    put(b, j, sum / f64At(l, j * n + j));
  }
}

/** sums = Σ direction_c · line c of a group; a direction is the table's entry of the column's code, or 1. */
function sumGroup(row: Row, sums: usize, from: i32, to: i32, ones: bool): void {
  const cols = row.cols;
  memory.fill(sums, 0, <usize> cols << 3);
  let c = from;
  for (; c + 4 <= to; c += 4) {
    addLines(
      sums, lineOf(row, c), lineOf(row, c + 1), lineOf(row, c + 2), lineOf(row, c + 3),
      directionOf(row, c, ones), directionOf(row, c + 1, ones), directionOf(row, c + 2, ones), directionOf(row, c + 3, ones), cols,
    );
  }
  for (; c < to; c++) addLine(sums, lineOf(row, c), directionOf(row, c, ones), cols);
}

@inline
function directionOf(row: Row, c: i32, ones: bool): f64 {
  return ones ? 1 : <f64> load<f32>(row.table + (<usize> codeOf(row, c) << 2));
}

/** Moves a scale, or a zero, of f32 at `number` by what makes f least, rounded to its type. */
function shift(row: Row, number: usize, from: i32, to: i32, zero: bool, step: f64, half: i32): void {
  const cols = row.cols;
  const d = differencesOf(row), g = gradientOf(row), w = weightsOf(row), sums = spreadOf(row);
  sumGroup(row, sums, from, to, zero);
  let slope: f64 = 0, curve: f64 = 0;
  for (let c = from; c < to; c++) {
    const direction = directionOf(row, c, zero);
    slope += direction * f64At(g, c);
    curve += direction * f64At(sums, c);
  }
  if (!(curve > 0)) return;
  const before = <f64> load<f32>(number);
  const next = roundTo(step, zero ? -127 : 0, zero ? 127 : 255, half, before - slope / curve);
  if (!(abs(next) < Infinity) || !(zero || next > 0)) return;
  const by = next - before;
  const gain = by * (2 * slope + by * curve);
  if (!(gain < 0)) return;
  const after = <f32> (before + by);
  store<f32>(number, after);
  const columns = zero ? zerosOf(row) : scalesOf(row);
  for (let c = from; c < to; c++) {
    put(columns, c, after);
    put(d, c, valueOf(row, c, codeOf(row, c)) - f64At(w, c));
  }
  for (let c = 0; c < cols; c++) put(g, c, f64At(g, c) + by * f64At(sums, c));
  row.error += gain;
}

/** Sets each group's scale, and then its zero, f32 [groups], to what makes f least; steps f64 [groups] are those of their type. */
function rescale(row: Row, scales: usize, zeros: usize, scaleSteps: usize, zeroSteps: usize, half: i32): void {
  const cols = row.cols;
  for (let from = 0, g = 0; from < cols; from += row.groupSize, g++) {
    const to = min(from + row.groupSize, cols);
    const at = <usize> g << 2;
    shift(row, scales + at, from, to, false, f64At(scaleSteps, g), half);
    if (zeros) shift(row, zeros + at, from, to, true, f64At(zeroSteps, g), half);
  }
}

/** What the codes say of the table, f64 [k, k] Sᵀ H S, then [k] Sᵀ H d; `out` may be small(row, 0). */
function normals(row: Row, out: usize): void {
  const cols = row.cols, size = row.k;
  const g = gradientOf(row), s = scalesOf(row), spread = spreadOf(row);
  const starts = small(row, 2 * size + 2), slope = out + (<usize> size * size << 3);
  sortByCode(row, starts);
  spreadCodes(row, starts);
  memory.fill(out, 0, <usize> size * (size + 1) << 3);
  for (let i = 0; i < cols; i++) {
    const scale = f64At(s, i);
    const code = codeOf(row, i);
    for (let k = 0; k < size; k++) {
      const at = code * size + k;
      put(out, at, f64At(out, at) + scale * f64At(spread, k * cols + i));
    }
    put(slope, code, f64At(slope, code) + scale * f64At(g, i));
  }
}

/**
 * Sets the table to the one that makes f least for these codes, rounded as roundTo() has it, unless that makes it worse than
 * what is there.
 */
function refit(row: Row, step: f64, least: f64, largest: f64, half: i32): void {
  const cols = row.cols, size = row.k;
  const w = weightsOf(row), d = differencesOf(row), g = gradientOf(row);
  const normal = small(row, 0), slope = small(row, size), factor = small(row, size + 1), steps = small(row, 2 * size + 1);
  const spread = spreadOf(row);
  normals(row, normal);
  memory.copy(factor, normal, <usize> size * size << 3);
  for (let k = 0; k < size; k++) {
    const at = k * size + k;
    const ridge = 1e-7 * f64At(normal, at);
    put(factor, at, f64At(factor, at) + (ridge != 0 ? ridge : 1));
    put(steps, k, -f64At(slope, k));
  }
  if (!factorize(factor, size)) return;
  solveFactored(factor, size, steps);
  for (let k = 0; k < size; k++) {
    const before = <f64> load<f32>(row.table + (<usize> k << 2));
    const value = before + f64At(steps, k);
    put(steps, k, roundTo(step, least, largest, half, value) - before);
  }
  let change: f64 = 0;
  for (let k = 0; k < size; k++) {
    let curve: f64 = 0;
    for (let l = 0; l < size; l++) curve += f64At(normal, k * size + l) * f64At(steps, l);
    change += f64At(steps, k) * (2 * f64At(slope, k) + curve);
  }
  if (!(change < 0)) return;
  for (let k = 0; k < size; k++) {
    const at = row.table + (<usize> k << 2);
    store<f32>(at, <f32> (<f64> load<f32>(at) + f64At(steps, k)));
  }
  loadTable(slotOf(row), row.table, size);
  for (let i = 0; i < cols; i++) {
    put(d, i, valueOf(row, i, codeOf(row, i)) - f64At(w, i));
    let slopeHere = f64At(g, i);
    for (let k = 0; k < size; k++) slopeHere += f64At(spread, k * cols + i) * f64At(steps, k);
    put(g, i, slopeHere);
  }
  row.error += change;
}

/**
 * Improves the codes of rows [from, to), packed in words, in place, and where `refits` also their tables: `rounds` of a table
 * by least squares and at most `sweeps` sweeps over the columns. Tables are 2^bits float32 values, `stride` bytes apart (0 for
 * one table), rounded as roundTo() has it. Where there are scaleSteps, scales and zeros are improved too: they are multiples of
 * those, or where they are 0 halves if `halfScales`.
 *
 * data f32 [rows, cols]; scales and zeros (or 0) f32 [rows, groups]; scaleSteps (or 0) and zeroSteps f64 [rows, groups]; hessian
 * f32 [cols, cols]; `slots` a slot of scratch for each thread, its first word 0, of 65536 + 64 · cols bytes or more, and where
 * `refits` 8 · 2^bits · (cols + 2^(bits + 1)) more.
 */
export function descendRows(
  words: usize, data: usize, scales: usize, zeros: usize, tables: usize, stride: i32, hessian: usize, bits: i32,
  cols: i32, groupSize: i32, step: f64, least: f64, largest: f64, half: i32, scaleSteps: usize, zeroSteps: usize, halfScales: i32,
  refits: i32, rounds: i32, sweeps: i32, slots: usize, slotBytes: usize, from: i32, to: i32,
): void {
  const workspace = takeSlot(slots, slotBytes);
  const row = changetype<Row>(changetype<usize>(workspace));
  const groups = (cols + groupSize - 1) / groupSize;
  row.cols = cols;
  row.k = 1 << bits;
  row.groupSize = groupSize;
  row.hessian = hessian;
  for (let r = from; r < to; r++) {
    const group = <usize> r * groups;
    row.table = tables + <usize> r * stride;
    begin(row, words, data, scales, zeros, bits, r);
    for (let round = 0; round < rounds; round++) {
      const before = row.error;
      if (refits) refit(row, step, least, largest, half);
      if (scaleSteps) {
        const zerosHere = zeros ? zeros + (group << 2) : 0;
        rescale(row, scales + (group << 2), zerosHere, scaleSteps + (group << 3), zeroSteps + (group << 3), halfScales);
      }
      for (let n = 0; n < sweeps && sweep(row) > 0; n++);
      if (row.error == before) break;
    }
    packCodes(words + <usize> r * rowBytes(cols, bits), codesOf(row), cols, bits, 0, 1);
  }
  giveSlot(workspace);
}

/**
 * What rows [from, to) say of their tables: normals f64 [rows, 2^bits, 2^bits + 1], see normals(). The rest as descendRows() has
 * it where `refits`.
 */
export function normalRows(
  out: usize, words: usize, data: usize, scales: usize, zeros: usize, tables: usize, stride: i32, hessian: usize,
  bits: i32, cols: i32, groupSize: i32, slots: usize, slotBytes: usize, from: i32, to: i32,
): void {
  const workspace = takeSlot(slots, slotBytes);
  const row = changetype<Row>(changetype<usize>(workspace));
  row.cols = cols;
  row.k = 1 << bits;
  row.groupSize = groupSize;
  row.hessian = hessian;
  for (let r = from; r < to; r++) {
    row.table = tables + <usize> r * stride;
    begin(row, words, data, scales, zeros, bits, r);
    normals(row, out + (<usize> r * row.k * (row.k + 1) << 3));
  }
  giveSlot(workspace);
}
