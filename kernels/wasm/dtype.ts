/**
 * Stored number types.
 */

export const F32: i32 = 0;
export const F16: i32 = 1;
export const BF16: i32 = 2;
/** OCP's power of two, a byte. */
export const E8M0: i32 = 3;

/** log2 of the bytes that a value takes. */
@inline
export function shiftOf(dtype: i32): i32 {
  return dtype == F32 ? 2 : dtype == E8M0 ? 0 : 1;
}

/** 2^112, the difference of the biases of a half's and a float32's exponents. */
const HALF: f32 = 5.192296858534828e33;

/** Where a half's bits are once they have moved to where a float32 has them. */
@inline
export function halfBits(): v128 {
  return i32x4.splat(0x8fffffff);
}

/** What then puts the exponent right, be the half subnormal or not. */
@inline
export function halfPower(): v128 {
  return f32x4.splat(HALF);
}

/**
 * Four values at an address as float32, exactly; a half must be finite.
 *
 * @param bits {@link halfBits}; kept in a variable where engines would make it anew each time.
 * @param power {@link halfPower}, likewise.
 */
@inline
export function load4(at: usize, dtype: i32, bits: v128 = halfBits(), power: v128 = halfPower()): v128 {
  if (dtype == F32) return v128.load(at);
  if (dtype == BF16) return i32x4.shl(v128.load_ext<u16>(at), 16);
  if (dtype == E8M0) {
    const exponents = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
    return i32x4.max_u(i32x4.shl(exponents, 23), i32x4.splat(0x400000));
  }
  return f32x4.mul(v128.and(i32x4.shl(v128.load_ext<i16>(at), 13), bits), power);
}

/** One value at an address as float32, exactly; a half must be finite. */
@inline
export function load1(at: usize, dtype: i32): f32 {
  if (dtype == F32) return load<f32>(at);
  if (dtype == E8M0) {
    const exponent = <u32> load<u8>(at);
    return reinterpret<f32>(exponent == 0 ? 0x400000 : exponent << 23);
  }
  if (dtype == BF16) return reinterpret<f32>(<u32> load<u16>(at) << 16);
  return reinterpret<f32>((<i32> load<i16>(at) << 13) & 0x8fffffff) * HALF;
}
