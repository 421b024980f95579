/**
 * A model of which one part at a time is used, wherever its tensors are.
 *
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import type { ModelConfig } from "./decoder/config.ts";
import type { Decoder, DecoderPart } from "./decoder/decoder.ts";
import type { Layout } from "./decoder/layout.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** Matrices by tensor name that take the place of a model's own. */
export type Replaced = ReadonlyMap<string, Matrix | PackedMatrix>;

/** A part of the decoder with its weights on the backend; disposing of it frees those that were loaded for it. */
export interface LoadedPart extends Disposable {
  /** The part. */
  readonly decoder: Decoder;
}

/** A model whose parts are loaded one by one: `Model` in memory, `ModelOnDisk`. */
export interface Source {
  /** The checked config. */
  readonly config: ModelConfig;
  /** The positions of the decoder's parts in its checkpoint. */
  readonly layout: Layout;
  /** Text to ids. */
  readonly tokenizer: Tokenizer;
  /** Its backend. */
  readonly backend: Backend;
  /** Whether it has a tensor; biases are not in every checkpoint. */
  has(tensor: string): boolean;
  /** A tensor, dense or packed; undefined where it has none of that name. */
  tensor(name: string): Matrix | PackedMatrix | undefined;
  /** A Linear's weights, dense or packed: [out_features, in_features]. */
  weights(linear: string): Matrix | PackedMatrix;
  /** Reads some rows of a tensor as float32, in the given order. */
  rows(tensor: string, rows: readonly number[]): Matrix;
  /** Bytes that a tensor takes as it is stored. */
  storedBytes(tensor: string): number;
  /** Loads a part of the decoder, some of its tensors replaced by others. */
  part(part: DecoderPart, replaced?: Replaced): LoadedPart;
}
