/**
 * Packed codes: 32 codes of b bits fill b 32-bit words; a row starts on a word.
 */

/** Bytes that a row of packed codes takes. */
@inline
export function rowBytes(cols: i32, bits: i32): usize {
  return <usize> (cols + 31 >> 5) * bits << 2;
}

/** The code of column c; reads up to 3 bytes beyond the row. */
@inline
export function codeAt(row: usize, c: i32, bits: i32): u32 {
  const bit = <u32> c * bits;
  return load<u32>(row + (bit >> 3)) >> (bit & 7) & (1 << bits) - 1;
}

/** codes[r, c] as bytes from packed words, for rows [from, to). */
export function unpackCodes(codes: usize, words: usize, cols: i32, bits: i32, from: i32, to: i32): void {
  for (let r = from; r < to; r++) {
    const row = words + <usize> r * rowBytes(cols, bits);
    const target = codes + <usize> r * cols;
    for (let c = 0; c < cols; c++) store<u8>(target + c, codeAt(row, c, bits));
  }
}

/** Packed words from codes[r, c] as bytes, for rows [from, to); bits beyond the last column become 0. */
export function packCodes(words: usize, codes: usize, cols: i32, bits: i32, from: i32, to: i32): void {
  for (let r = from; r < to; r++) {
    const source = codes + <usize> r * cols;
    let word = words + <usize> r * rowBytes(cols, bits);
    const end = word + rowBytes(cols, bits);
    let filled = 0;
    let pending: u64 = 0;
    for (let c = 0; c < cols; c++) {
      pending |= <u64> load<u8>(source + c) << filled;
      filled += bits;
      if (filled >= 32) {
        store<u32>(word, <u32> pending);
        word += 4;
        pending >>= 32;
        filled -= 32;
      }
    }
    for (; word < end; word += 4) {
      store<u32>(word, <u32> pending);
      pending = 0;
    }
  }
}
