/**
 * AF4, AbnormalFloat: the codebook with the least expected absolute error for normal weights that are divided by the
 * largest magnitude of their group (Yoshida 2023, "NF4 isn't information theoretically optimal (and that's good)").
 *
 * @module
 */
import { type Format, symmetric } from "./format.ts";

/** Φ(x), the normal distribution's cumulative function, by its series or continued fraction. */
function normalCdf(x: number): number {
  const z = Math.abs(x);
  const density = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  let tail: number;
  if (z < 3) {
    // Φ(z) − ½ = φ(z) · Σ z^(2n+1) / (2n+1)!!
    let term = z;
    let sum = z;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= z * z / (2 * n + 1);
      sum += term;
    }
    tail = 0.5 - density * sum;
  } else {
    // 1 − Φ(z) = φ(z) / (z + 1/(z + 2/(z + 3/…)))
    let fraction = z;
    for (let n = 60; n > 0; n--) fraction = z + n / fraction;
    tail = density / fraction;
  }
  return x < 0 ? tail : 1 - tail;
}

/**
 * The distribution of |x| for a weight that is not its group's largest: F(t) = P(|z| ≤ t·m given |z| < m), averaged over
 * the largest magnitude m of `size` normal weights. By substituting p = P(|z| ≤ m), m's density becomes that of the
 * largest of `size` uniform numbers, whose quantiles are p = u^(1/size).
 */
function magnitudeCdf(size: number): (t: number) => number {
  const nodes = 400;
  const largest = Array.from({ length: nodes }, (_, i) => {
    const p = ((i + 0.5) / nodes) ** (1 / size);
    // Invert P(|z| ≤ m) = 2Φ(m) − 1 by bisection.
    let [low, high] = [0, 12];
    for (let step = 0; step < 60; step++) {
      const middle = (low + high) / 2;
      if (2 * normalCdf(middle) - 1 < p) low = middle;
      else high = middle;
    }
    return { m: (low + high) / 2, p };
  });
  return (t) => {
    let sum = 0;
    for (const { m, p } of largest) sum += (2 * normalCdf(t * m) - 1) / p;
    return sum / nodes;
  };
}

/**
 * One side of the codebook: `count` values from 0 to 1, both ends fixed, the others the medians of their cells (the
 * condition for the least absolute error), found by repeating that until nothing moves. A cell ends halfway to the
 * next value; the one beside 0 reaches down to 0 itself, as in the published codebooks.
 */
function side(count: number, cdf: (t: number) => number): number[] {
  const samples = 4096;
  const cumulative = Float64Array.from({ length: samples + 1 }, (_, i) => cdf(i / samples));
  const at = (t: number) => {
    const x = Math.min(t * samples, samples - 1e-9);
    const i = Math.floor(x);
    return cumulative[i]! + (x - i) * (cumulative[i + 1]! - cumulative[i]!);
  };
  const quantile = (p: number) => {
    let [low, high] = [0, samples];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! <= p) low = middle;
      else high = middle;
    }
    const [a, b] = [cumulative[low]!, cumulative[high]!];
    return (low + (b > a ? (p - a) / (b - a) : 0.5)) / samples;
  };
  const values = Array.from({ length: count }, (_, i) => i / (count - 1));
  for (let round = 0, moved = 1; round < 2000 && moved > 1e-10; round++) {
    moved = 0;
    for (let i = 1; i < count - 1; i++) {
      const from = i === 1 ? 0 : at((values[i - 1]! + values[i]!) / 2);
      const to = at((values[i]! + values[i + 1]!) / 2);
      const median = quantile((from + to) / 2);
      moved = Math.max(moved, Math.abs(median - values[i]!));
      values[i] = median;
    }
  }
  return values;
}

const cache = new Map<number, Float32Array>();

/**
 * AF4's values by code, ascending, for a group size: −1, 0 and 1 are fixed, seven values are below 0 and eight above.
 *
 * @param groupSize weights that share a largest magnitude; at least 2.
 */
export function af4Values(groupSize: number): Float32Array {
  let values = cache.get(groupSize);
  if (values === undefined) {
    const cdf = magnitudeCdf(Math.max(groupSize, 2));
    const negative = side(8, cdf).slice(1).reverse().map((value) => -value);
    values = Float32Array.from([...negative, ...side(9, cdf)]);
    cache.set(groupSize, values);
  }
  return values;
}

/** AF4, scaled by the largest magnitude of each group. */
export const af4: Format = {
  name: "af4",
  bits: 4,
  groupSize: 128,
  summary: "4-bit AbnormalFloat (Yoshida): least absolute error for normal weights at this group size",
  values: af4Values,
  scaling: symmetric(1),
};
