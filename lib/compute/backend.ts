/**
 * Who multiplies: the operations that a decoder is made of, behind one interface.
 *
 * @module
 */
import type { QuantizeSteps } from "../learn/quantize_steps.ts";
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";

/** Activations where the backend keeps them: [rows, cols] float32, a row a token. */
export interface Tensor {
  /** Tokens. */
  readonly rows: number;
  /** Features. */
  readonly cols: number;
}

/** Weights where the backend keeps them, dense or packed: [rows, cols] = [out_features, in_features]. */
export interface Weight {
  /** out_features. */
  readonly rows: number;
  /** in_features. */
  readonly cols: number;
}

/** Keys and values of the tokens seen so far, of all layers. */
export interface KvCache {
  /** Tokens that it can hold. */
  readonly capacity: number;
}

/** How products of packed weights with few tokens round what they multiply; see BackendOptions. */
export type ActivationType = typeof activationTypes[number];

/** The ways that there are. */
export const activationTypes = ["f32", "f16", "int16", "int8"] as const;

/** Token ids where the backend keeps them. */
export interface TokenIds {
  /** How many. */
  readonly length: number;
}

/** One of some token ids. */
export interface TokenPlace {
  /** Of which. */
  readonly ids: TokenIds;
  /** Which one. */
  readonly at: number;
}

/** The largest values of some numbers, the largest first; of equals the one that stands first. */
export interface Largest {
  /** Where they stand. */
  readonly ids: Uint32Array;
  /** What they are. */
  readonly values: Float32Array;
}

/** A function between the products of an MLP, by Hugging Face's names; "gelu_new" is also "gelu_pytorch_tanh". */
export type Activation = "silu" | "gelu" | "gelu_new" | "relu";

/** All of them. */
export const activationNames: readonly Activation[] = ["silu", "gelu", "gelu_new", "relu"];

/** What a KV cache must hold. */
export interface KvShape {
  /** Decoder layers. */
  readonly layers: number;
  /** num_key_value_heads. */
  readonly kvHeads: number;
  /** Features of a head. */
  readonly headDim: number;
  /** Tokens. */
  readonly capacity: number;
}

/**
 * A place that computes. The decoder is written once against this; `plain` is the oracle that the others are checked
 * against.
 *
 * Operations are issued in order and may run later; only those that give a promise wait. Outputs never alias inputs
 * unless the operation says that it works in place.
 */
export interface Backend extends Disposable {
  /** "plain", "wasm" or "webgpu". */
  readonly name: string;
  /** What it runs on: a GPU's name, or how many threads. */
  readonly description: string;
  /** Takes weights to where they are used. A vector has one row. */
  weight(matrix: Matrix | PackedMatrix): Weight;
  /** Makes room for activations, [rows, cols]. */
  tensor(rows: number, cols: number): Tensor;
  /** Makes room for keys and values. */
  cache(shape: KvShape): KvCache;
  /** Overwrites a tensor with as many values, row by row. */
  write(x: Tensor, values: Float32Array): void;
  /** out[t] = table[ids[t]]; only a backend that has {@linkcode Backend.argmax} takes a place. */
  embed(out: Tensor, table: Weight, ids: ArrayLike<number> | TokenPlace): void;
  /**
   * out[t] = x[t] / √(mean x[t]² + epsilon) · weight; with `add`, x += add before, in place. Where rows are longer than the
   * weight, each of their pieces of its length is normalized for itself: heads are.
   */
  rmsNorm(out: Tensor, x: Tensor, options: NormOptions): void;
  /** out[t] = (x[t] − mean x[t]) / √(variance of x[t] + epsilon) · weight + bias; with `add`, x += add before, in place. */
  layerNorm(out: Tensor, x: Tensor, options: NormOptions & { bias?: Weight }): void;
  /** out = x · weightᵀ + bias, [tokens, in] → [tokens, out]. */
  linear(out: Tensor, x: Tensor, options: { weight: Weight; bias?: Weight }): void;
  /**
   * Rotary position embedding, in place, on heads laid side by side: the pair (i, i + n) of the token at `position + t` turns
   * by (position + t) · frequencies[i], i < n, and grows by `magnitude`; features from 2·n on stay as they are.
   */
  rope(x: Tensor, options: RopeOptions): void;
  /**
   * Stores keys k and values v of the tokens from `position` on, then attends causally from queries q to all stored:
   * out[t, h] = Σ softmax(scale · q[t, h] · K[…position + t]) · V, query head h using key head ⌊h · kvHeads / heads⌋.
   * With frequencies, {@linkcode Backend.rope} turns q and k before; what q and k hold afterwards is left open.
   */
  attention(out: Tensor, qkv: { q: Tensor; k: Tensor; v: Tensor }, options: AttentionPlace): void;
  /** out = f(x), or f(x) · up: silu(x) · up is SwiGLU, gelu_new(x) · up GeGLU. */
  activate(out: Tensor, x: Tensor, options: { activation: Activation; up?: Tensor }): void;
  /** x += y, in place. */
  add(x: Tensor, y: Tensor): void;
  /** x *= by, in place. */
  scale(x: Tensor, by: number): void;
  /** x = cap · tanh(x / cap), in place. */
  softcap(x: Tensor, cap: number): void;
  /** Takes columns out of rows: piece n of out[t], `width` long, is x[t] from `from + n · stride` on. */
  columns(out: Tensor, x: Tensor, piece: Columns): void;
  /** out[i] = x[rows[i]]. */
  gather(out: Tensor, x: Tensor, rows: ArrayLike<number>): void;
  /** out[rows[i]] += weights[i] · x[i], in place; no row may be named twice. */
  scatterAdd(out: Tensor, x: Tensor, to: { rows: ArrayLike<number>; weights: ArrayLike<number> }): void;
  /** The first rows of a tensor, in the same place. Only the whole tensor is given back. */
  first(x: Tensor, rows: number): Tensor;
  /** The values, row by row. The array belongs to the caller. */
  read(x: Tensor): Promise<Float32Array>;
  /** Σx, Σ|x| and Σx² of each column, summed in float64: [3, cols]. The array belongs to the caller. */
  columnSums(x: Tensor): Promise<Float64Array>;
  /**
   * sum += xᵀ x, in place: [cols, cols] float32, both halves with the same bits. Twice the digits would take twice the memory
   * and time, and what a sample leaves open is far more than what float32 rounds away.
   */
  gram(sum: Tensor, x: Tensor): void;
  /** Seconds that what `run` issues takes where it is computed, without the way there and back. */
  seconds(run: () => void): Promise<number>;
  /** Bytes of a tensor at most; no limit when absent. */
  readonly mostBytes?: number;
  /**
   * Gives activations or a cache back, which are not to be used any more. What nobody holds is given back too, some time
   * later.
   */
  free?(held: Tensor | KvCache): void;
  /** Gives back what {@linkcode Backend.weight} made of a matrix, which is not to be used any more. */
  forget?(matrix: Matrix | PackedMatrix): void;
  /** The k largest values of x's only row, without reading all of it. */
  largest?(x: Tensor, k: number): Promise<Largest>;
  /** Makes room for token ids. */
  tokenIds?(length: number): TokenIds;
  /** place.ids[place.at] = where the largest value of x's only row stands. */
  argmax?(place: TokenPlace, x: Tensor): void;
  /** The first `count` token ids. */
  readIds?(ids: TokenIds, count: number): Promise<number[]>;
  /** Bytes a second that can be read, and perhaps written, at most: measured, on much more than caches hold. */
  bandwidth?(): Promise<number>;
  /**
   * Room for a packed matrix's codes or a dense one's values, aligned for any type, from where {@linkcode Backend.weight} takes
   * them without a copy.
   */
  room?(bytes: number): Uint8Array;
  /** Bytes that it holds: weights, activations, caches, and what is kept for the next ones. */
  readonly bytes?: number;
  /** The slow steps of quantization on its threads, with the bits of the plain ones. */
  readonly steps?: QuantizeSteps;
}

/** Which part of a cache an attention reads and writes. */
export interface AttentionPlace {
  /** The cache. */
  readonly cache: KvCache;
  /** Which decoder layer. */
  readonly layer: number;
  /** The position of the first token of q, k and v. */
  readonly position: number;
  /** [at most headDim / 2] radians a token that q and k turn by, as in {@linkcode Backend.rope}; they do not when absent. */
  readonly frequencies?: Float32Array;
  /** What the features that turn are multiplied by; 1 when absent. */
  readonly magnitude?: number;
  /** What products of q and k are multiplied by; 1 / √headDim when absent. */
  readonly scale?: number;
  /** Scores become softcap · tanh(score / softcap); they stay as they are when absent. */
  readonly softcap?: number;
  /** A token sees itself and the `window` − 1 before it; all before it when absent. */
  readonly window?: number;
}

/** How heads turn. */
export interface RopeOptions {
  /** The position of the first token. */
  readonly position: number;
  /** [n] radians a token. */
  readonly frequencies: Float32Array;
  /** Features of a head; 2 · n when absent. */
  readonly headDim?: number;
  /** What cosines and sines are multiplied by; 1 when absent. */
  readonly magnitude?: number;
}

/** Which columns. */
export interface Columns {
  /** The first. */
  readonly from: number;
  /** Columns side by side; all of out's when absent. */
  readonly width?: number;
  /** From the beginning of a piece to the next one's; of no matter where there is one piece. */
  readonly stride?: number;
}

/** How a norm is computed. */
export interface NormOptions {
  /** [1, features]. */
  readonly weight: Weight;
  /** Keeps the root from being 0. */
  readonly epsilon: number;
  /** What is added to x first: the residual connection. */
  readonly add?: Tensor;
}
