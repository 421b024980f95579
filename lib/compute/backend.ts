/**
 * The interface of backends: the operations of a decoder.
 *
 * @module
 */
import type { QuantizeSteps } from "../learn/quantize_steps.ts";
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { type Activation, activationNames } from "./activation.ts";
import type { Columns } from "./columns.ts";
import type { Gradients } from "./gradients.ts";
import type { Handle, KvCache, Owner, Tensor, TokenIds, Weight } from "./handle.ts";

export { activationNames };
export type { Activation, Columns, Handle, KvCache, Owner, Tensor, TokenIds, Weight };

/** The rounding of activations in products of packed weights with few tokens; see BackendOptions. */
export type ActivationType = typeof activationTypes[number];

/** All types of rounding. */
export const activationTypes = ["f32", "f16", "int16", "int8"] as const;

/** One of some token ids. */
export interface TokenPlace {
  /** Of which. */
  readonly ids: TokenIds;
  /** Its index. */
  readonly at: number;
}

/** The largest values of some numbers, the largest first; of equals the one that stands first. */
export interface Largest {
  /** Their indices. */
  readonly ids: Uint32Array;
  /** The values. */
  readonly values: Float32Array;
}

/** An id whose logit stands in a row. */
export interface LogitPlace {
  /** The row. */
  readonly row: number;
  /** The id. */
  readonly id: number;
}

/** What a row of logits says of an id. */
export interface LogProbability {
  /** ln of its probability; NaN where a logit of the row is NaN or +∞, or all are −∞. */
  readonly logProbability: number;
  /** Whether it is the likeliest, the first of equals. */
  readonly likeliest: boolean;
}

/** The size of a KV cache. */
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
 * A backend computes the operations of a decoder. The decoder is written once against this interface; `plain` is the oracle
 * for the tests of the others.
 *
 * Operations are issued in order and may run later; only those that give a promise wait. Outputs never alias inputs
 * unless the operation says that it works in place.
 */
export interface Backend extends Disposable {
  /** "plain", "wasm" or "webgpu". */
  readonly name: string;
  /** Its device: the GPU's name, or the number of threads. */
  readonly description: string;
  /** Copies weights to the backend. A vector has one row. */
  weight(matrix: Matrix | PackedMatrix): Weight;
  /** Allocates activations, [rows, cols]. */
  tensor(rows: number, cols: number): Tensor;
  /** Allocates a cache of keys and values. */
  cache(shape: KvShape): KvCache;
  /** Overwrites a tensor with values, row-major. */
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
  /**
   * out = x · weightᵀ + bias, [tokens, in] → [tokens, out]. With `as`, on a backend that has {@linkcode Backend.rows}, the
   * bits of a row depend on no other, nor on their number.
   */
  linear(out: Tensor, x: Tensor, options: LinearOptions): void;
  /** {@linkcode Backend.linear} of several weights, `as` alike, where that is more than one after the other. */
  linears?(x: Tensor, products: readonly LinearProduct[]): void;
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
  /** A view of the first rows of a tensor. Free the whole tensor, not the view. */
  first(x: Tensor, rows: number): Tensor;
  /** A view of some rows of a tensor, of a backend that can compute on it. Free the whole tensor, not the view. */
  rows?(x: Tensor, some: RowRange): Tensor;
  /** The values, row by row. The array belongs to the caller. */
  read(x: Tensor): Promise<Float32Array>;
  /** Σx, Σ|x| and Σx² of each column, summed in float64: [3, cols]. The array belongs to the caller. */
  columnSums(x: Tensor): Promise<Float64Array>;
  /**
   * sum += xᵀ x, in place: [cols, cols] float32, both halves with the same bits. Twice the digits would take twice the memory
   * and time, and what a sample leaves open is far more than what float32 rounds away.
   */
  gram(sum: Tensor, x: Tensor): void;
  /** The time on the device of the operations that `run` issues, in seconds, without transfers. */
  seconds(run: () => void): Promise<number>;
  /** The largest size of a tensor in bytes; no limit when absent. */
  readonly mostBytes?: number;
  /** Frees activations or a cache; do not use them afterwards. Unreachable ones are freed too, some time later. */
  free?(held: Tensor | KvCache): void;
  /** Frees the weight that {@linkcode Backend.weight} made of a matrix; do not use it afterwards. */
  forget?(matrix: Matrix | PackedMatrix): void;
  /** The k largest values of x's only row, without reading all of it. */
  largest?(x: Tensor, k: number): Promise<Largest>;
  /** What logits, [rows, ids], say of some ids, without reading all of them. */
  logProbabilities?(logits: Tensor, places: readonly LogitPlace[]): Promise<LogProbability[]>;
  /** Allocates token ids. */
  tokenIds?(length: number): TokenIds;
  /** place.ids[place.at] = the index of the largest value of x's only row. */
  argmax?(place: TokenPlace, x: Tensor): void;
  /** The first `count` token ids. */
  readIds?(ids: TokenIds, count: number): Promise<number[]>;
  /** The memory bandwidth in bytes a second, measured on more bytes than caches hold. */
  bandwidth?(): Promise<number>;
  /**
   * Room for a packed matrix's codes or a dense one's values, aligned for any type, from where {@linkcode Backend.weight} takes
   * them without a copy.
   */
  room?(bytes: number): Uint8Array;
  /** Allocated bytes: weights, activations, caches, and freed memory kept for reuse. */
  readonly bytes?: number;
  /** Gradients of its operations. */
  readonly gradients?: Gradients;
  /** The slow steps of quantization on its threads, with the bits of the plain ones. */
  readonly steps?: QuantizeSteps;
}

/** What a product goes by. */
export interface LinearOptions {
  /** [out, in]. */
  readonly weight: Weight;
  /** [1, out]. */
  readonly bias?: Weight;
  /** How rows are multiplied; as is fastest for their number when absent. */
  readonly as?: RowsAs;
}

/** As if each row were the only one, or one of many: see {@linkcode Backend.linear}. */
export type RowsAs = "one" | "many";

/** Rows side by side. */
export interface RowRange {
  /** The first. */
  readonly from: number;
  /** Their number. */
  readonly count: number;
}

/** One of several products of an input. */
export interface LinearProduct extends LinearOptions {
  /** [tokens, out]. */
  readonly out: Tensor;
}

/** The part of a cache that an attention reads and writes. */
export interface AttentionPlace {
  /** The cache. */
  readonly cache: KvCache;
  /** The decoder layer. */
  readonly layer: number;
  /** The position of the first token of q, k and v. */
  readonly position: number;
  /** [at most headDim / 2] radians a token that q and k turn by, as in {@linkcode Backend.rope}; they do not when absent. */
  readonly frequencies?: Float32Array;
  /** The factor of the rotated features; 1 when absent. */
  readonly magnitude?: number;
  /** The factor of products of q and k; 1 / √headDim when absent. */
  readonly scale?: number;
  /** Scores become softcap · tanh(score / softcap); they stay as they are when absent. */
  readonly softcap?: number;
  /** A token sees itself and the `window` − 1 before it; all before it when absent. */
  readonly window?: number;
}

/** Options of a rotary position embedding. */
export interface RopeOptions {
  /** The position of the first token. */
  readonly position: number;
  /** [n] radians a token. */
  readonly frequencies: Float32Array;
  /** Features of a head; 2 · n when absent. */
  readonly headDim?: number;
  /** The factor of cosines and sines; 1 when absent. */
  readonly magnitude?: number;
}

/** Options of a norm. */
export interface NormOptions {
  /** [1, features]. */
  readonly weight: Weight;
  /** Keeps the root from being 0. */
  readonly epsilon: number;
  /** Added to x first: the residual connection. */
  readonly add?: Tensor;
}
