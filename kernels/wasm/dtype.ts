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

/** Four values at an address as float32, exactly; F32, F16 (finite) or BF16. */
@inline
export function load4(at: usize, dtype: i32): v128 {
  if (dtype == F32) return v128.load(at);
  const half = v128.load_ext<u16>(at);
  if (dtype == BF16) return i32x4.shl(half, 16);
  // Exponent and fraction move to where a float32 has them; 2^112 is the difference of the biases, subnormals included.
  const magnitude = i32x4.shr_u(i32x4.shl(half, 17), 4);
  const sign = i32x4.shl(i32x4.shr_u(half, 15), 31);
  return v128.or(f32x4.mul(magnitude, f32x4.splat(5.192296858534828e33)), sign);
}

/** One value at an address as float32, exactly; a half must be finite. */
@inline
export function load1(at: usize, dtype: i32): f32 {
  if (dtype == F32) return load<f32>(at);
  if (dtype == E8M0) {
    const exponent = <u32> load<u8>(at);
    return reinterpret<f32>(exponent == 0 ? 0x400000 : exponent << 23);
  }
  const half = <u32> load<u16>(at);
  if (dtype == BF16) return reinterpret<f32>(half << 16);
  const magnitude = reinterpret<f32>((half & 0x7fff) << 13) * <f32> 5.192296858534828e33;
  return reinterpret<f32>(reinterpret<u32>(magnitude) | ((half & 0x8000) << 16));
}
