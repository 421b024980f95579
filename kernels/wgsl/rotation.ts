/**
 * Turning by an angle, in WGSL.
 *
 * @module
 */

/** 2⁶⁴ / 2π, cut off: the first 64 bits of 1 / 2π. Its words, the upper first. */
const PER_TURN = ["0x28be60dbu", "0x9391054au"];

/** Taylor coefficients of sin r / r and cos r in r², which on |r| ≤ π/4 err by less than float32 rounds. */
const SIN = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880];
const COS = [1, -1 / 2, 1 / 24, -1 / 720, 1 / 40320];

/** WGSL of a polynomial in `x` by Horner's rule. */
const polynomial = (coefficients: readonly number[], x: string): string =>
  coefficients.reduceRight((sum, c) => (sum ? `(${c} + ${x} * ${sum})` : `(${c})`), "");

/**
 * WGSL of `rotated(pair: vec2f, angle: f32) -> vec2f`, right to 2⁻²² for angles in −2²⁴ … 2²⁴.
 *
 * A GPU's own sin and cos may err by 2⁻¹¹, and by more for large angles; and tricks of float arithmetic to make angles
 * small are undone by compilers that reorder it. So the angle goes to turns in whole numbers (Payne and Hanek 1983): a
 * float32 is m · 2ᵉ with m < 2²⁴; m · 2⁶⁴/2π is a product of words; the 32 bits of it behind the point are the fraction
 * of a turn, and what lies before it, whole turns, is never computed. The quarter of the turn is in the upper two bits;
 * the rest is an angle of at most π/4, for which short polynomials do.
 */
export const ROTATED = `// The upper word of a · b.
fn upper(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let first = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let second = (a & 0xffffu) * (b >> 16u) + (first & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (first >> 16u) + (second >> 16u);
}

// angle / 2π − ⌊angle / 2π⌋, in units of 2⁻³² turns, of an angle that is not negative.
fn turns(angle: f32) -> u32 {
  let bits = bitcast<u32>(angle);
  let m = (bits & 0x7fffffu) | 0x800000u; // angle = m · 2^(exponent − 150)
  let exponent = bits >> 23u;
  // m · 2⁶⁴/2π in three words; the lowest only matters for what it carries.
  let product = m * ${PER_TURN[0]};
  let middle = product + upper(m, ${PER_TURN[1]});
  let top = upper(m, ${PER_TURN[0]}) + select(0u, 1u, middle < product);
  // The fraction is the middle word, and more of the top one the smaller the angle is.
  let shift = 150u - exponent;
  if (shift >= 64u) { return 0u; }
  if (shift >= 32u) { return top >> (shift - 32u); }
  return select((middle >> shift) | (top << (32u - shift)), middle, shift == 0u);
}

fn rotated(pair: vec2f, angle: f32) -> vec2f {
  let forward = turns(abs(angle));
  let turn = select(forward, 0u - forward, angle < 0.0);
  let quarter = (turn + 0x20000000u) >> 30u;
  let r = f32(bitcast<i32>(turn - (quarter << 30u))) * ${2 * Math.PI / 2 ** 32};
  let squared = r * r;
  let s = r * ${polynomial(SIN, "squared")};
  let c = ${polynomial(COS, "squared")};
  // A quarter turn takes (cos, sin) to (−sin, cos), half a turn takes the sign.
  let odd = (quarter & 1u) == 1u;
  let sign = select(1.0, -1.0, quarter >= 2u);
  let cosine = sign * select(c, -s, odd);
  let sine = sign * select(s, c, odd);
  return vec2f(pair.x * cosine - pair.y * sine, pair.y * cosine + pair.x * sine);
}`;
