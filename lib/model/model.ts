/**
 * A language model: config, tensors, tokenizer, and the backend that it runs on.
 *
 * @module
 */
import type { Backend, Weight } from "../compute/backend.ts";
import { type BackendName, type BackendOptions, createBackend } from "../compute/mod.ts";
import { OptionError } from "../errors.ts";
import { bytesOf, type DType } from "../matrix/dtype.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { isPacked, packedBytes, type PackedMatrix } from "../matrix/packed_matrix.ts";
import { Checkpoint } from "./checkpoint.ts";
import type { LlamaConfig } from "./config.ts";
import { Decoder, Session } from "./decoder.ts";
import { isGguf, openGguf } from "./gguf/open.ts";
import { locateModel, type LocateOptions } from "./locate.ts";
import { readPacked } from "./packed_tensors.ts";
import { Tokenizer } from "./tokenizer.ts";

/** The parts of a model. */
export interface ModelParts {
  /** What to call it. */
  readonly name: string;
  /** The folder, or the GGUF file, that it was loaded from. */
  readonly folder: string;
  /** The checked config. */
  readonly config: LlamaConfig;
  /** config.json as it stands. */
  readonly rawConfig: Record<string, unknown>;
  /** generation_config.json as it stands. */
  readonly generationConfig: Record<string, unknown> | null;
  /** Text to ids and back. */
  readonly tokenizer: Tokenizer;
  /** Where it runs. */
  readonly backend: Backend;
  /** Every tensor by its checkpoint name, dense or packed. */
  readonly tensors: ReadonlyMap<string, Matrix | PackedMatrix>;
}

/** A loaded language model. Quantizing it makes another one that shares what stays as it is. */
export class Model implements Disposable {
  /** What to call it. */
  readonly name: string;
  /** The folder, or the GGUF file, that it was loaded from. */
  readonly folder: string;
  /** The checked config. */
  readonly config: LlamaConfig;
  /** config.json as it stands. */
  readonly rawConfig: Record<string, unknown>;
  /** generation_config.json as it stands. */
  readonly generationConfig: Record<string, unknown> | null;
  /** Text to ids and back. */
  readonly tokenizer: Tokenizer;
  /** Where it runs. */
  readonly backend: Backend;
  /** Every tensor by its checkpoint name, dense or packed. */
  readonly tensors: ReadonlyMap<string, Matrix | PackedMatrix>;
  readonly #decoder: Decoder;
  /** What models made of one another share: how many of them are not disposed of, and how many have each tensor. */
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
    const weights = new Map<string, Weight>();
    const find = (name: string) => {
      const tensor = parts.tensors.get(name);
      if (tensor && !weights.has(name)) weights.set(name, parts.backend.weight(tensor));
      return weights.get(name);
    };
    this.#decoder = new Decoder(parts.config, { backend: parts.backend, find });
    this.#use();
  }

  /** Counts a use of every tensor. */
  #use(): void {
    const { uses } = this.#sharing;
    for (const tensor of this.tensors.values()) uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  }

  /** The same model with some tensors replaced, or under another name. */
  with(changes: Partial<ModelParts>): Model {
    const model = new Model({ ...this, ...changes });
    if (model.backend === this.backend) {
      model.#sharing = this.#sharing;
      model.#sharing.models++;
      model.#use();
    }
    return model;
  }

  /** A fresh sequence with room for `capacity` tokens; max_position_embeddings when absent. */
  session(capacity: number = this.config.max_position_embeddings): Session {
    return new Session(this.#decoder, capacity);
  }

  /** Module names of the Linears that quantization is about, in order: "model.layers.0.self_attn.q_proj" … */
  linears(): string[] {
    const names = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
      .concat(["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]);
    return Array.from({ length: this.config.num_hidden_layers }, (_, i) => i)
      .flatMap((i) => names.map((name) => `model.layers.${i}.${name}`));
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

  /** Number of weights, and the bytes that they take when stored. */
  get size(): { parameters: number; bytes: number } {
    let parameters = 0;
    let bytes = 0;
    for (const tensor of this.tensors.values()) {
      parameters += tensor.rows * tensor.cols;
      bytes += isPacked(tensor) ? packedBytes(tensor) : tensor.data.length * bytesOf(tensor.dtype ?? "F32");
    }
    return { parameters, bytes };
  }

  /** Stored bits per weight, over the Linears that quantization is about: codes, scales, zeros and tables. */
  get bitsPerWeight(): number {
    let weights = 0;
    let bits = 0;
    for (const linear of this.linears()) {
      const tensor = this.weights(linear);
      weights += tensor.rows * tensor.cols;
      bits += 8 *
        (isPacked(tensor) ? packedBytes(tensor) : tensor.data.length * bytesOf(tensor.dtype ?? "F32"));
    }
    return bits / weights;
  }

  /** The type of the unquantized weights: the embedding's. */
  get dtype(): DType {
    const embedding = this.tensors.get("model.embed_tokens.weight")!;
    return isPacked(embedding) ? "F32" : embedding.dtype ?? "F32";
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

/** How a model is loaded. */
export interface LoadOptions extends BackendOptions, LocateOptions {
  /** Where it runs; "auto" takes the best that this machine has. */
  backend?: BackendName;
}

/**
 * Loads a model: the embedded "tinyworld", a folder in Hugging Face layout (config.json, safetensors, tokenizer.json),
 * quantized by this library or not, a .gguf file, or what the Hugging Face Hub has as "org/name", "org/name@revision" or
 * "org/name/file.gguf". What is there under that path comes before the Hub.
 *
 * @throws {CheckpointError} when files are missing or malformed.
 * @throws {HubError} when the Hub has no such model, or it cannot be had.
 * @throws {ConfigError} when config.json asks for something that is not supported.
 *
 * @example
 * ```ts
 * import { loadModel } from "any4";
 * using model = await loadModel("tinyworld");
 * console.log(model.config.num_hidden_layers, model.size.parameters); // 4 3410176
 * ```
 */
export async function loadModel(name: string, options: LoadOptions = {}): Promise<Model> {
  const folder = await locateModel(name, options);
  const gguf = isGguf(folder) ? await openGguf(folder) : undefined;
  using checkpoint = gguf ? Checkpoint.ofGguf(folder, gguf) : Checkpoint.open(folder);
  const { config } = checkpoint;
  using open = new DisposableStack();
  const backend = open.use(await createBackend(options.backend, options));
  const room = backend.codes?.bind(backend);
  const tensors = new Map<string, Matrix | PackedMatrix>();
  for (const { tensor, rows, cols, optional } of expectedTensors(config)) {
    const packed = readPacked(checkpoint, { tensor, rows, cols, room });
    if (packed) tensors.set(tensor, packed);
    else if (!optional || checkpoint.has(tensor)) {
      tensors.set(tensor, checkpoint.matrix(tensor, { rows, cols }));
    }
  }
  const model = new Model({
    name: name.split("/").at(-1)!,
    folder,
    config,
    rawConfig: checkpoint.rawConfig,
    generationConfig: checkpoint.generationConfig,
    tokenizer: gguf ? Tokenizer.ofGguf(folder, gguf.tokenizer) : Tokenizer.open(folder),
    backend,
    tensors,
  });
  open.move();
  return model;
}

/** A tensor that a checkpoint must have, or may. */
interface ExpectedTensor {
  readonly tensor: string;
  readonly rows: number;
  readonly cols: number;
  readonly optional?: boolean;
}

/** The tensors that a config asks for; biases that it does not ask for are taken where the checkpoint has them. */
function* expectedTensors(config: LlamaConfig): Iterable<ExpectedTensor> {
  const { hidden_size: hidden, intermediate_size: mlp, vocab_size: vocab, head_dim } = config;
  const [q, kv] = [config.num_attention_heads * head_dim, config.num_key_value_heads * head_dim];
  yield { tensor: "model.embed_tokens.weight", rows: vocab, cols: hidden };
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const at = `model.layers.${i}`;
    yield { tensor: `${at}.input_layernorm.weight`, rows: 1, cols: hidden };
    yield { tensor: `${at}.post_attention_layernorm.weight`, rows: 1, cols: hidden };
    const linears = [
      ["self_attn.q_proj", q, hidden],
      ["self_attn.k_proj", kv, hidden],
      ["self_attn.v_proj", kv, hidden],
      ["self_attn.o_proj", hidden, q],
      ["mlp.gate_proj", mlp, hidden],
      ["mlp.up_proj", mlp, hidden],
      ["mlp.down_proj", hidden, mlp],
    ] as const;
    for (const [name, rows, cols] of linears) {
      yield { tensor: `${at}.${name}.weight`, rows, cols };
      const optional = !(name.startsWith("mlp") ? config.mlp_bias : config.attention_bias);
      yield { tensor: `${at}.${name}.bias`, rows: 1, cols: rows, optional };
    }
  }
  yield { tensor: "model.norm.weight", rows: 1, cols: hidden };
  if (!config.tie_word_embeddings) yield { tensor: "lm_head.weight", rows: vocab, cols: hidden };
}
