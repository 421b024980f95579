/**
 * The functions between the products of an MLP.
 */
import { exp, madd } from "./simd";

const SILU: i32 = 0;
const GELU: i32 = 1;
const GELU_NEW: i32 = 2;

/**
 * out[i] = f(x[i]) · up[i], or f(x[i]) where up is 0, for blocks of 4 values [from, to); arrays are padded to whole blocks.
 * Kinds are numbered as backend.ts names them: silu, gelu, gelu_new, relu.
 */
export function activate(out: usize, x: usize, up: usize, kind: i32, from: i32, to: i32): void {
  for (let at = <usize> from << 4; at < <usize> to << 4; at += 16) {
    const value = activated(v128.load(x + at), kind);
    v128.store(out + at, up ? f32x4.mul(value, v128.load(up + at)) : value);
  }
}

/** f(x). */
@inline
export function activated(x: v128, kind: i32): v128 {
  if (kind == SILU) return sigmoidTimes(x, x);
  // x / 2 · (1 + tanh u) is x · σ(2u).
  if (kind == GELU_NEW) return sigmoidTimes(x, f32x4.mul(x, cubic(x)));
  if (kind == GELU) return f32x4.mul(x, normal(x));
  return f32x4.max(x, f32x4.splat(0));
}

/** f′(x): of x · s(x), s + x · s′; σ′ = σ · (1 − σ), and Φ′ is the normal density. */
@inline
export function slope(x: v128, kind: i32): v128 {
  const one = f32x4.splat(1);
  if (kind == SILU) {
    const s = sigmoid(x);
    return f32x4.mul(s, madd(x, f32x4.sub(one, s), one));
  }
  if (kind == GELU_NEW) {
    const s = sigmoid(f32x4.mul(x, cubic(x)));
    const steep = madd(f32x4.mul(x, x), f32x4.splat(0.21406445), f32x4.splat(1.5957691));
    return f32x4.mul(s, madd(f32x4.mul(x, steep), f32x4.sub(one, s), one));
  }
  if (kind == GELU) {
    const power = exp(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)));
    return madd(f32x4.mul(x, f32x4.splat(0.39894228)), power, normal(x));
  }
  return v128.and(one, f32x4.gt(x, f32x4.splat(0)));
}

/** σ(u) = 1 / (1 + e^−u). */
@inline
function sigmoid(u: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp(f32x4.neg(u))));
}

/** x · σ(u) = x / (1 + e^−u). */
@inline
function sigmoidTimes(x: v128, u: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp(f32x4.neg(u))));
}

/** 2 √(2/π) · (1 + 0.044715 x²). */
@inline
function cubic(x: v128): v128 {
  return madd(f32x4.mul(x, x), f32x4.splat(0.071354816), f32x4.splat(1.5957691));
}

/** Φ(x), right to 10⁻⁷: the error function as Abramowitz and Stegun have it, 7.1.26. */
@inline
function normal(x: v128): v128 {
  const y = f32x4.mul(f32x4.abs(x), f32x4.splat(0.70710678));
  const one = f32x4.splat(1);
  const t = f32x4.div(one, madd(y, f32x4.splat(0.3275911), one));
  let sum = madd(t, f32x4.splat(1.061405429), f32x4.splat(-1.453152027));
  sum = madd(sum, t, f32x4.splat(1.421413741));
  sum = madd(sum, t, f32x4.splat(-0.284496736));
  sum = madd(sum, t, f32x4.splat(0.254829592));
  const power = exp(f32x4.neg(f32x4.mul(y, y)));
  const tail = f32x4.mul(f32x4.mul(f32x4.mul(sum, t), power), f32x4.splat(0.5));
  return v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, f32x4.splat(0)));
}
