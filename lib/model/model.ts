/**
 * A language model: config, tensors, tokenizer, and the backend that it runs on.
 *
 * @module
 */
import type { Backend, Weight } from "../compute/backend.ts";
import { DisposedError, OptionError } from "../errors.ts";
import type { DType } from "../matrix/dtype.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { matrixRows } from "../matrix/matrix_rows.ts";
import { isPacked, type PackedMatrix, storedBytes } from "../matrix/packed_matrix.ts";
import { display, inspect, type MimeBundle, type View } from "../display.ts";
import { count, decimal, size } from "../terminal/units.ts";
import { visible } from "../terminal/visible.ts";
import { layoutOf } from "./architectures/mod.ts";
import { Batch } from "./decoder/batch.ts";
import type { ModelConfig } from "./decoder/config.ts";
import { Decoder, type DecoderPart, type WeightLookup } from "./decoder/decoder.ts";
import { type Layout, linearNames } from "./decoder/layout.ts";
import { Scorer } from "./decoder/scorer.ts";
import { Session } from "./decoder/session.ts";
import type { LoadedPart, Replaced } from "./source.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** The parts of a model. */
export interface ModelParts {
  /** Its name. */
  readonly name: string;
  /** The folder, or the GGUF file, that it was loaded from. */
  readonly folder: string;
  /** The checked config. */
  readonly config: ModelConfig;
  /** config.json as it stands. */
  readonly rawConfig: Record<string, unknown>;
  /** generation_config.json as it stands. */
  readonly generationConfig: Record<string, unknown> | null;
  /** Text to ids and back. */
  readonly tokenizer: Tokenizer;
  /** Its backend. */
  readonly backend: Backend;
  /** Every tensor by its checkpoint name, dense or packed. */
  readonly tensors: ReadonlyMap<string, Matrix | PackedMatrix>;
}

/** A loaded language model. Quantizing it makes another one that shares what stays as it is. */
export class Model implements Disposable, View {
  /** Its name. */
  readonly name: string;
  /** The folder, or the GGUF file, that it was loaded from. */
  readonly folder: string;
  /** The checked config. */
  readonly config: ModelConfig;
  /** config.json as it stands. */
  readonly rawConfig: Record<string, unknown>;
  /** generation_config.json as it stands. */
  readonly generationConfig: Record<string, unknown> | null;
  /** Text to ids and back. */
  readonly tokenizer: Tokenizer;
  /** Its backend. */
  readonly backend: Backend;
  /** Every tensor by its checkpoint name, dense or packed. */
  readonly tensors: ReadonlyMap<string, Matrix | PackedMatrix>;
  /**
   * The positions of the decoder's parts in its checkpoint.
   *
   * @internal
   */
  readonly layout: Layout;
  readonly #decoder: Decoder;
  readonly #find: WeightLookup;
  /** Shared by a model and those made from it: the number of models in use, and of those that have each tensor. */
  #sharing = { models: 1, uses: new WeakMap<Matrix | PackedMatrix, number>() };
  #disposed = false;

  /**
   * Puts a model together; {@linkcode loadModel} is how to get one from files.
   *
   * @param parts the parts; all tensors that the config asks for must be there.
   * @throws {OptionError} when a tensor is missing.
   */
  constructor(parts: ModelParts) {
    this.name = parts.name;
    this.folder = parts.folder;
    this.config = parts.config;
    this.rawConfig = parts.rawConfig;
    this.generationConfig = parts.generationConfig;
    this.tokenizer = parts.tokenizer;
    this.backend = parts.backend;
    this.tensors = parts.tensors;
    const { tensors, backend } = parts;
    this.layout = layoutOf(parts.config, (name) => tensors.has(name));
    const weights = new Map<string, Weight>();
    this.#find = (name, offset = 0) => {
      const tensor = tensors.get(name);
      if (tensor && !weights.has(name)) weights.set(name, backend.weight(withOffset(tensor, offset)));
      return weights.get(name);
    };
    this.#decoder = new Decoder(parts.config, { layout: this.layout, backend, find: this.#find });
    this.#use();
  }

  /** Counts a use of every tensor. */
  #use(): void {
    const { uses } = this.#sharing;
    for (const tensor of this.tensors.values()) uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  }

  #assertHeld(): void {
    if (this.#disposed) throw new DisposedError(`Cannot use ${this.name}: it has been disposed of`);
  }

  /**
   * The same model with some tensors replaced, or under another name.
   *
   * @throws {DisposedError} when it has been disposed of.
   */
  with(changes: Partial<ModelParts>): Model {
    this.#assertHeld();
    const model = new Model({ ...this, ...changes });
    if (model.backend === this.backend) {
      model.#sharing = this.#sharing;
      model.#sharing.models++;
      model.#use();
    }
    return model;
  }

  /**
   * A fresh sequence with room for `capacity` tokens; max_position_embeddings when absent.
   *
   * @throws {OptionError} when the capacity is not a whole number of at least 0.
   * @throws {DisposedError} when the model has been disposed of.
   */
  session(capacity: number = this.config.max_position_embeddings): Session {
    this.#assertHeld();
    return new Session(this.#decoder, capacity);
  }

  /**
   * Steps that sequences of this model share.
   *
   * @throws {DisposedError} when the model has been disposed of.
   */
  batch(): Batch {
    this.#assertHeld();
    return new Batch(this.#decoder);
  }

  /**
   * Judges continuations, many in each pass.
   *
   * @throws {DisposedError} when the model has been disposed of.
   */
  scorer(): Scorer {
    this.#assertHeld();
    return new Scorer(this.#decoder);
  }

  /** Module names of the Linears that quantization is about, in order: "model.layers.0.self_attn.q_proj" … */
  linears(): string[] {
    return linearNames(this.layout);
  }

  /**
   * A Linear's weights.
   *
   * @throws {OptionError} when there is no such Linear.
   */
  weights(linear: string): Matrix | PackedMatrix {
    const tensor = this.tensors.get(`${linear}.weight`);
    if (!tensor) {
      throw new OptionError(`Cannot find ${linear}: this model has Linears such as ${this.linears()[0]}`);
    }
    return tensor;
  }

  /**
   * Whether it has a tensor.
   *
   * @internal
   */
  has(tensor: string): boolean {
    return this.tensors.has(tensor);
  }

  /**
   * A tensor, dense or packed.
   *
   * @internal
   */
  tensor(name: string): Matrix | PackedMatrix | undefined {
    return this.tensors.get(name);
  }

  /**
   * Reads some rows of a tensor as float32, in the given order.
   *
   * @internal
   */
  rows(tensor: string, rows: readonly number[]): Matrix {
    return matrixRows(this.tensors.get(tensor)!, rows);
  }

  /**
   * Bytes that a tensor takes when stored.
   *
   * @internal
   */
  storedBytes(tensor: string): number {
    return storedBytes(this.tensors.get(tensor)!);
  }

  /**
   * A part of its decoder, some tensors replaced by others; disposing of it frees those.
   *
   * @throws {DisposedError} when the model has been disposed of.
   * @internal
   */
  part(part: DecoderPart, replaced?: Replaced): LoadedPart {
    this.#assertHeld();
    const { backend, layout, config } = this;
    const held: (Matrix | PackedMatrix)[] = [];
    const find = (name: string, offset = 0) => {
      const other = replaced?.get(name);
      if (!other) return this.#find(name, offset);
      const matrix = withOffset(other, offset);
      held.push(matrix);
      return backend.weight(matrix);
    };
    return {
      decoder: new Decoder(config, { layout, backend, find, part }),
      [Symbol.dispose]: () => held.forEach((matrix) => backend.forget?.(matrix)),
    };
  }

  /** Number of weights, and the bytes that they take when stored. */
  get size(): { parameters: number; bytes: number } {
    let parameters = 0;
    let bytes = 0;
    for (const tensor of this.tensors.values()) {
      parameters += tensor.rows * tensor.cols;
      bytes += storedBytes(tensor);
    }
    return { parameters, bytes };
  }

  /** Stored bits per weight, over the Linears that quantization is about: codes, scales, zeros and codebooks. */
  get bitsPerWeight(): number {
    let weights = 0;
    let bits = 0;
    for (const linear of this.linears()) {
      const tensor = this.weights(linear);
      weights += tensor.rows * tensor.cols;
      bits += 8 * storedBytes(tensor);
    }
    return bits / weights;
  }

  /** The type of the unquantized weights: the embedding's. */
  get dtype(): DType {
    const embedding = this.tensors.get(this.layout.embedding.name)!;
    return isPacked(embedding) ? "F32" : embedding.dtype ?? "F32";
  }

  /** Its view for notebooks; lib/show replaces it by `modelSummary`. */
  [display](): MimeBundle {
    return { "text/plain": this[inspect]() };
  }

  /** Its text for `console.log`. */
  [inspect](): string {
    const { name, config, backend } = this;
    const { parameters, bytes } = this.size;
    const bits = decimal(this.bitsPerWeight, 3);
    return `Model ${visible(name)}: ${config.model_type}, ${config.num_hidden_layers} layers, ` +
      `${count(parameters)} parameters, ${size(bytes)}, ${bits} bits per weight, on ${backend.name}`;
  }

  /**
   * Frees what the backend holds of the tensors that no other model shares, and the backend once the last of the models
   * that share it is disposed of.
   */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { backend, tensors } = this;
    const { uses } = this.#sharing;
    for (const tensor of tensors.values()) {
      const others = uses.get(tensor)! - 1;
      uses.set(tensor, others);
      if (others > 0) continue;
      uses.delete(tensor);
      backend.forget?.(tensor);
    }
    if (--this.#sharing.models === 0) backend[Symbol.dispose]();
  }
}

/** A dense tensor with something added to each value; the tensor itself where that is nothing. */
export function withOffset<T extends Matrix | PackedMatrix>(tensor: T, offset: number): T | Matrix {
  if (offset === 0 || isPacked(tensor)) return tensor;
  return { ...tensor, data: tensor.data.map((value) => value + offset), dtype: "F32" };
}
