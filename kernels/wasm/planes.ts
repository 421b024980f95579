/**
 * Tables of up to 16 float32 in registers: one vector for each of a value's four bytes, so that a swizzle looks up 16 codes
 * at once.
 */
import { load4, shiftOf } from "./dtype";
import { swizzle } from "./simd";

/** Byte `i` of the 16 values of a table; what lies behind a smaller table is read and never used. */
@inline
export function plane(table: usize, dtype: i32, i: i32): v128 {
  const step = <usize> 4 << shiftOf(dtype);
  const low = bytes(load4(table, dtype), load4(table + step, dtype), i);
  const high = bytes(load4(table + 2 * step, dtype), load4(table + 3 * step, dtype), i);
  return v128.shuffle<i64>(low, high, 0, 2);
}

/** Byte `i` of the eight 32-bit lanes of a and b, twice. */
@inline
function bytes(a: v128, b: v128, i: i32): v128 {
  const at = i8x16.add(i8x16(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28), i8x16.splat(<i8> i));
  // An index of 16 and more gives 0.
  return v128.or(i8x16.swizzle(a, at), i8x16.swizzle(b, i8x16.sub(at, i8x16.splat(16))));
}

/** Where the two bytes of each 16-bit lane come from that 3-bit codes 4i … 4i + 3 are spread over. */
@inline
export function spread3(): v128 {
  return i8x16(0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11);
}

/** What moves those twelve bits to the top of their lane. */
@inline
export function raise3(): v128 {
  return i16x8(16, 1, 16, 1, 16, 1, 16, 1);
}

/**
 * 32 codes of 2, 3 or 4 bits as 16 bytes: byte i holds code 2i in its low bits and code 2i + 1 above them; what lies higher
 * still is of no use.
 *
 * @param spread {@link spread3} for 3 bits, not read for others.
 * @param raise {@link raise3}, likewise.
 */
@inline
export function pairs(at: usize, bits: i32, spread: v128 = spread3(), raise: v128 = raise3()): v128 {
  if (bits == 4) return v128.load(at);
  if (bits == 2) {
    // Two pairs a byte, spread over two.
    const fours = v128.load_ext<u8>(at);
    return v128.or(fours, i16x8.shl(fours, 4));
  }
  const top = i16x8.mul(swizzle(v128.load(at), spread), raise);
  return v128.bitselect(i16x8.shr_u(top, 4), i16x8.shr_u(top, 2), i16x8.splat(0xff));
}

/** The codes 0, 2, … 30 of {@link pairs}, a byte each. */
@inline
export function evens(pairs: v128, bits: i32): v128 {
  return v128.and(pairs, i32x4.splat(((1 << bits) - 1) * 0x1010101));
}

/** The codes 1, 3, … 31 of {@link pairs}, a byte each. */
@inline
export function odds(pairs: v128, bits: i32): v128 {
  return v128.and(i16x8.shr_u(pairs, bits), i32x4.splat(((1 << bits) - 1) * 0x1010101));
}

/** Bytes 0 … 7 of a and b in turn. */
@inline
export function zipLow8(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** Bytes 8 … 15 of a and b in turn. */
@inline
export function zipHigh8(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** 16-bit lanes 0 … 3 of a and b in turn. */
@inline
export function zipLow16(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** 16-bit lanes 4 … 7 of a and b in turn. */
@inline
export function zipHigh16(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** 32-bit lanes 0 and 1 of a and b in turn. */
@inline
export function zipLow32(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 4, 1, 5);
}
