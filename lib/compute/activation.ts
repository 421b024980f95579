/**
 * The functions between the products of an MLP.
 *
 * @module
 */
import type { Activation } from "./backend.ts";

/**
 * The error function: 2/√π · e^−x² · Σ 2ⁿ x^(2n+1) / (2n + 1)!!, a series without cancellation (Abramowitz and Stegun,
 * 7.1.6). Beyond 6 it is 1 in float64.
 */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [sum, term] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}

const FUNCTIONS: Readonly<Record<Activation, (x: number) => number>> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => x / 2 * (1 + erf(x / Math.SQRT2)),
  gelu_new: (x) => x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  relu: (x) => Math.max(x, 0),
};

/**
 * A function by its name: silu is x · σ(x); gelu is x · Φ(x), and gelu_new its approximation by tanh (Hendrycks and Gimpel
 * 2016, "Gaussian Error Linear Units", section 2); relu is max(x, 0).
 */
export function activationOf(name: Activation): (x: number) => number {
  return FUNCTIONS[name];
}
