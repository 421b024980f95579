/**
 * Packing: 32 codes of b bits fill b 32-bit words, for 2, 3, 4 and 8 bits alike.
 *
 * The codes of a row are one little-endian stream of bits: code i starts at bit i · b. A row is padded with
 * zero codes to a multiple of 32, so that every row starts on a word.
 *
 * @module
 */

/** The number of words of a row of `cols` codes. */
export function wordsPerRow(cols: number, bits: number): number {
  return Math.ceil(cols / 32) * bits;
}

/** The position of a row in a packed array. */
export interface RowPlace {
  /** Bits of a code: 2, 3, 4 or 8. */
  readonly bits: number;
  /** Codes in a row. */
  readonly cols: number;
  /** The row's index. */
  readonly row: number;
}

/** Packs one row of codes, each below 2^bits, into its words; the row's other bits become 0. */
export function packRow(codes: Uint8Array, place: RowPlace, words: Uint32Array): void {
  const { bits, cols, row } = place;
  const perRow = wordsPerRow(cols, bits);
  const first = row * perRow;
  words.fill(0, first, first + perRow);
  let word = first;
  let bit = 0;
  for (let c = 0; c < cols; c++) {
    const code = codes[c]!;
    words[word]! |= code << bit;
    bit += bits;
    if (bit >= 32) {
      bit -= 32;
      word++;
      // Only 3-bit codes cross a word: the bits that did not fit start the next one.
      if (bit > 0) words[word] = code >>> (bits - bit);
    }
  }
}

/** Unpacks one row of codes; the inverse of {@linkcode packRow}. */
export function unpackRow(words: Uint32Array, place: RowPlace, codes: Uint8Array): void {
  const { bits, cols, row } = place;
  const mask = 2 ** bits - 1;
  let word = row * wordsPerRow(cols, bits);
  let bit = 0;
  for (let c = 0; c < cols; c++) {
    let code = words[word]! >>> bit;
    bit += bits;
    if (bit >= 32) {
      bit -= 32;
      word++;
      if (bit > 0) code |= words[word]! << (bits - bit);
    }
    codes[c] = code & mask;
  }
}
