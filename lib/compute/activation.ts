/**
 * The functions between the products of an MLP.
 *
 * @module
 */
/** A function between the products of an MLP, by Hugging Face's names; "gelu_new" is also "gelu_pytorch_tanh". */
export type Activation = "silu" | "gelu" | "gelu_new" | "relu";

/** All of them. */
export const activationNames: readonly Activation[] = ["silu", "gelu", "gelu_new", "relu"];

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

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const SLOPES: Readonly<Record<Activation, (x: number) => number>> = {
  silu: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
  gelu: (x) => (1 + erf(x / Math.SQRT2)) / 2 + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI),
  gelu_new: (x) => {
    // x / 2 · (1 + tanh u) is x · σ(2u).
    const s = sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
    return s * (1 + x * (1 - s) * 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x));
  },
  relu: (x) => x > 0 ? 1 : 0,
};

/** The derivative of {@linkcode activationOf}. */
export function slopeOf(name: Activation): (x: number) => number {
  return SLOPES[name];
}

/**
 * A function by its name: silu is x · σ(x); gelu is x · Φ(x), and gelu_new its approximation by tanh (Hendrycks and Gimpel
 * 2016, "Gaussian Error Linear Units", section 2); relu is max(x, 0).
 */
export function activationOf(name: Activation): (x: number) => number {
  return FUNCTIONS[name];
}
