/**
 * Gradients in plain TypeScript: the oracle. Sums are kept in float64.
 *
 * @module
 */
import { activationOf, slopeOf } from "./activation.ts";
import type { Columns, Tensor, Weight } from "./backend.ts";
import {
  type ActivationInputs,
  type AttentionInputs,
  type Gradients,
  type Heads,
  type NormGradients,
  type NormInputs,
  productShape,
} from "./gradients.ts";

/** Gradients of the plain backend. */
export class PlainGradients implements Gradients {
  readonly #values: (of: Tensor | Weight) => Float32Array;

  /** @param values the values of a tensor or of a dense weight, in place. */
  constructor(values: (of: Tensor | Weight) => Float32Array) {
    this.#values = values;
  }

  zero(x: Tensor): void {
    this.#values(x).fill(0);
  }

  product(sum: Tensor, factors: { a: Tensor; b: Tensor; turned?: boolean }): void {
    const { m, k, n } = productShape(sum, factors);
    const [s, a, b] = [this.#values(sum), this.#values(factors.a), this.#values(factors.b)];
    const [step, stride] = factors.turned ? [1, m] : [k, 1];
    const row = new Float64Array(n);
    for (let i = 0; i < m; i++) {
      row.set(s.subarray(i * n, (i + 1) * n));
      for (let l = 0; l < k; l++) {
        const value = a[i * step + l * stride]!;
        for (let j = 0; j < n; j++) row[j]! += value * b[l * n + j]!;
      }
      s.set(row, i * n);
    }
  }

  norm(by: NormGradients, { epsilon, centered, ...of }: NormInputs): void {
    const [x, w] = [this.#values(of.x), this.#values(of.weight)];
    const [g, dx] = [this.#values(of.g), this.#values(by.x)];
    const [dw, db] = [by.weight && this.#values(by.weight), by.bias && this.#values(by.bias)];
    const n = w.length;
    for (let at = 0; at < x.length; at += n) {
      let [mean, squares, total, along] = [0, 0, 0, 0];
      if (centered) { for (let c = 0; c < n; c++) mean += x[at + c]! / n; }
      for (let c = 0; c < n; c++) {
        const off = x[at + c]! - mean;
        squares += off * off / n;
        total += g[at + c]! * w[c]! / n;
        along += g[at + c]! * w[c]! * off / n;
      }
      const r = 1 / Math.sqrt(squares + epsilon);
      for (let c = 0; c < n; c++) {
        const off = x[at + c]! - mean;
        dx[at + c]! += r * (g[at + c]! * w[c]! - (centered ? total : 0) - off * along * r * r);
        if (dw) dw[c]! += g[at + c]! * off * r;
        if (db) db[c]! += g[at + c]!;
      }
    }
  }

  bias(sum: Tensor, g: Tensor): void {
    const [s, v] = [this.#values(sum), this.#values(g)];
    for (let i = 0; i < v.length; i++) s[i % s.length]! += v[i]!;
  }

  activate(by: { x: Tensor; up?: Tensor }, of: ActivationInputs): void {
    const [x, g, dx] = [this.#values(of.x), this.#values(of.g), this.#values(by.x)];
    const [up, dup] = [of.up && this.#values(of.up), by.up && this.#values(by.up)];
    const [f, slope] = [activationOf(of.activation), slopeOf(of.activation)];
    for (let i = 0; i < x.length; i++) {
      dx[i]! += g[i]! * slope(x[i]!) * (up?.[i] ?? 1);
      if (dup) dup[i]! += g[i]! * f(x[i]!);
    }
  }

  softcap(g: Tensor, { y, cap }: { y: Tensor; cap: number }): void {
    const [by, values] = [this.#values(g), this.#values(y)];
    for (let i = 0; i < by.length; i++) by[i]! *= 1 - (values[i]! / cap) ** 2;
  }

  columns(dx: Tensor, g: Tensor, piece: Columns): void {
    const { from, width = g.cols, stride = 0 } = piece;
    const [to, values] = [this.#values(dx), this.#values(g)];
    for (let t = 0; t < g.rows; t++) {
      for (let c = 0; c < g.cols; c++) {
        to[t * dx.cols + from + Math.floor(c / width) * stride + c % width]! += values[t * g.cols + c]!;
      }
    }
  }

  attention(by: Heads, of: AttentionInputs): void {
    const { headDim, scale, softcap, window = Infinity } = of;
    const [q, k, v, g] = [of.q, of.k, of.v, of.g].map(this.#values) as Float32Array[];
    const [dq, dk, dv] = [by.q, by.k, by.v].map(this.#values) as Float32Array[];
    const [cols, keyCols] = [of.q.cols, of.k.cols];
    const dot = (a: Float32Array, from: number, other: { b: Float32Array; at: number }) => {
      let sum = 0;
      for (let i = 0; i < headDim; i++) sum += a[from + i]! * other.b[other.at + i]!;
      return sum;
    };
    for (let t = 0; t < of.q.rows; t++) {
      const begin = Math.max(0, t + 1 - window);
      for (let head = 0; head < cols / headDim; head++) {
        const at = t * cols + head * headDim;
        const key = (i: number) => (begin + i) * keyCols + Math.floor(head * keyCols / cols) * headDim;
        const scores = Array.from({ length: t + 1 - begin }, (_, i) => {
          const score = scale * dot(q!, at, { b: k!, at: key(i) });
          return softcap ? softcap * Math.tanh(score / softcap) : score;
        });
        const largest = scores.reduce((a, b) => Math.max(a, b));
        const powers = scores.map((score) => Math.exp(score - largest));
        const total = powers.reduce((a, b) => a + b);
        const shares = powers.map((power) => power / total);
        const found = shares.map((_, i) => dot(g!, at, { b: v!, at: key(i) }));
        const mean = shares.reduce((sum, share, i) => sum + share * found[i]!, 0);
        shares.forEach((share, i) => {
          const bend = softcap ? 1 - (scores[i]! / softcap) ** 2 : 1;
          const d = scale * bend * share * (found[i]! - mean);
          for (let c = 0; c < headDim; c++) {
            dq![at + c]! += d * k![key(i) + c]!;
            dk![key(i) + c]! += d * q![at + c]!;
            dv![key(i) + c]! += share * g![at + c]!;
          }
        });
      }
    }
  }
}
