/**
 * Gradients of a decoder's operations. Each adds to the gradients by the operation's inputs what the one by its output, `g`,
 * means for them.
 *
 * @module
 */
import { TensorError } from "../errors.ts";
import type { Activation } from "./activation.ts";
import type { Columns } from "./columns.ts";
import type { Tensor, Weight } from "./handle.ts";

/** What gradients a backend computes. */
export interface Gradients {
  /** x = 0, where sums begin. */
  zero(x: Tensor): void;
  /** sum += a · b, [m, k] · [k, n]; with `turned`, aᵀ · b of a [k, m]. */
  product(sum: Tensor, factors: { a: Tensor; b: Tensor; turned?: boolean }): void;
  /** Of a norm; `centered` says that it subtracts means, as layer norm does. */
  norm(by: NormGradients, of: NormInputs): void;
  /** Of a bias: sum[0] += Σ g[t]. */
  bias(sum: Tensor, g: Tensor): void;
  /** Of f(x), or f(x) · up. */
  activate(by: { x: Tensor; up?: Tensor }, of: ActivationInputs): void;
  /** Of softcap, whose result is y: g becomes the gradient by what it was given, in place. */
  softcap(g: Tensor, of: { y: Tensor; cap: number }): void;
  /** Of columns that were taken: dx += those of g, where they came from. */
  columns(dx: Tensor, g: Tensor, piece: Columns): void;
  /** Of causal attention from position 0 on, between queries and keys that have been turned. */
  attention(by: Heads, of: AttentionInputs): void;
}

/** Gradients of a norm. */
export interface NormGradients {
  /** By its input. */
  readonly x: Tensor;
  /** [1, features]. */
  readonly weight?: Tensor;
  /** [1, features]. */
  readonly bias?: Tensor;
}

/** What a norm was given. */
export interface NormInputs {
  /** Its input. */
  readonly x: Tensor;
  /** [1, features]. */
  readonly weight: Weight;
  /** Keeps the root from being 0. */
  readonly epsilon: number;
  /** Whether means are subtracted. */
  readonly centered: boolean;
  /** The gradient by its output. */
  readonly g: Tensor;
}

/** What an activation was given. */
export interface ActivationInputs {
  /** What is activated. */
  readonly x: Tensor;
  /** What multiplies it. */
  readonly up?: Tensor;
  /** The function. */
  readonly activation: Activation;
  /** The gradient by the output. */
  readonly g: Tensor;
}

/** Queries, [tokens, heads · headDim], keys and values, [tokens, kvHeads · headDim], or their gradients. */
export interface Heads {
  /** Queries. */
  readonly q: Tensor;
  /** Keys. */
  readonly k: Tensor;
  /** Values. */
  readonly v: Tensor;
}

/** What attention was given. */
export interface AttentionInputs extends Heads {
  /** Features of a head. */
  readonly headDim: number;
  /** The factor of products of q and k. */
  readonly scale: number;
  /** The bound that scores approach, if any. */
  readonly softcap?: number;
  /** Tokens that one sees, itself among them; all before it when absent. */
  readonly window?: number;
  /** The gradient by the output. */
  readonly g: Tensor;
}

/**
 * The sizes m, k, n of a product.
 *
 * @throws {TensorError} when they disagree.
 */
export function productShape(
  sum: Tensor,
  { a, b, turned }: { a: Tensor; b: Tensor; turned?: boolean },
): { m: number; k: number; n: number } {
  const [m, k] = turned ? [a.cols, a.rows] : [a.rows, a.cols];
  if (b.rows !== k || sum.rows !== m || sum.cols !== b.cols) {
    throw new TensorError(
      `Cannot add [${m}, ${k}] · [${b.rows}, ${b.cols}] to [${sum.rows}, ${sum.cols}]`,
    );
  }
  return { m, k, n: b.cols };
}
