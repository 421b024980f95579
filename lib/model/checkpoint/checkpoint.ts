/**
 * Reading checkpoints: folders in Hugging Face layout, or a GGUF file.
 *
 * @module
 */
import { CheckpointError, ConfigError } from "../../errors.ts";
import { exists, isFile, tryTo } from "../../files/disk.ts";
import { isObject, readJson } from "../../files/json_file.ts";
import type { TensorInfo } from "../../files/safetensors/header.ts";
import { alternatives, quote, showShape } from "../../files/safetensors/messages.ts";
import { SafetensorsFile } from "../../files/safetensors/read.ts";
import type { TensorFile } from "../../files/tensor_file.ts";
import { bytesOf, toFloat32 } from "../../matrix/dtype.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import { checkFinite } from "../../matrix/finite.ts";
import { isStoredType, storedMatrix } from "../../matrix/stored_matrix.ts";
import { show } from "../architectures/config_reader.ts";
import { layoutOf } from "../architectures/mod.ts";
import { parseConfig } from "../architectures/parse_config.ts";
import type { ModelConfig } from "../decoder/config.ts";
import { type Layout, type TensorPlace, tensorsOf } from "../decoder/layout.ts";
import type { GgufModel } from "../gguf/open.ts";
import { CONFIG, GENERATION_CONFIG, INDEX, QUANTIZATION, UNFINISHED, WEIGHTS } from "./file_names.ts";
import { quantizationFault } from "./quantization_config.ts";
import { scaledWeights } from "./scaled_weights.ts";

/** An error about what a folder lacks that says what it has instead. */
function lacks(folder: string, what: string): CheckpointError {
  const names: string[] = [];
  tryTo(() => names.push(...[...Deno.readDirSync(folder)].map(({ name }) => name).sort()));
  const found = names.length === 0
    ? "found nothing"
    : `the folder has ${names.slice(0, 8).join(", ")}${names.length > 8 ? " and more" : ""}`;
  return new CheckpointError(`Cannot open the model ${folder}: looked for ${what}, but ${found}`);
}

function unfinished(folder: string): CheckpointError {
  return new CheckpointError(
    `Cannot open the model ${folder}: its quantization is not finished, start it again with the same options to finish it`,
  );
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * An open checkpoint: config.json, and one or many safetensors files whose tensors are read when asked for.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * using checkpoint = Checkpoint.open("models/tinyworld");
 * const { hidden_size, vocab_size } = checkpoint.config;
 * const embedding = checkpoint.matrix("model.embed_tokens.weight", { rows: vocab_size, cols: hidden_size });
 * assertEquals(embedding.data.length, vocab_size * hidden_size);
 * ```
 */
export class Checkpoint implements Disposable {
  /** The folder, or the GGUF file. */
  readonly folder: string;
  /** config.json, checked. */
  readonly config: ModelConfig;
  /** config.json as it stands. */
  readonly rawConfig: Record<string, unknown>;
  /** generation_config.json as it stands, if there is one. */
  readonly generationConfig: Record<string, unknown> | null;
  readonly #files = new Map<string, TensorFile>();
  /** The file of each tensor. */
  readonly #places = new Map<string, TensorFile>();
  #layout?: Layout;

  private constructor(folder: string, gguf?: GgufModel) {
    this.folder = folder;
    if (gguf) {
      this.#files.set("", gguf.weights);
      for (const name of gguf.weights.names()) this.#places.set(name, gguf.weights);
      this.rawConfig = gguf.config;
      this.generationConfig = null;
      try {
        this.config = parseConfig(this.rawConfig, folder);
      } catch (error) {
        this[Symbol.dispose]();
        throw error;
      }
      return;
    }
    if (!isFile(`${folder}/${CONFIG}`)) {
      throw exists(`${folder}/${UNFINISHED}`) ? unfinished(folder) : lacks(folder, CONFIG);
    }
    this.rawConfig = readJson(`${folder}/${CONFIG}`);
    this.config = parseConfig(this.rawConfig, `${folder}/${CONFIG}`);
    this.generationConfig = isFile(`${folder}/${GENERATION_CONFIG}`)
      ? readJson(`${folder}/${GENERATION_CONFIG}`)
      : null;
    try {
      if (isFile(`${folder}/${WEIGHTS}`)) this.#open(WEIGHTS);
      else if (isFile(`${folder}/${INDEX}`)) this.#readIndex();
      else throw lacks(folder, `${WEIGHTS} and ${INDEX}`);
      this.#applyScales();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Opens a folder.
   *
   * @throws {CheckpointError} when the folder, config.json or weights are missing or malformed.
   * @throws {ConfigError} when config.json asks for something that is not supported or makes no sense.
   */
  static open(folder: string): Checkpoint {
    let isDirectory: boolean;
    try {
      isDirectory = Deno.statSync(folder).isDirectory;
    } catch (cause) {
      throw new CheckpointError(`Cannot open the model ${folder}: ${(cause as Error).message}`, { cause });
    }
    if (!isDirectory) {
      throw new CheckpointError(`Cannot open the model ${folder}: it is a file, expected a folder`);
    }
    return new Checkpoint(folder);
  }

  /**
   * An open GGUF file, which is closed with the checkpoint.
   *
   * @param path where it lies; it stands for the folder.
   * @throws {ConfigError} when its metadata asks for something that is not supported or makes no sense.
   */
  static ofGguf(path: string, gguf: GgufModel): Checkpoint {
    return new Checkpoint(path, gguf);
  }

  /** Opens a file, and takes all of its tensors. */
  #open(name: string): void {
    const file = SafetensorsFile.open(`${this.folder}/${name}`);
    this.#files.set(name, file);
    for (const tensor of file.names()) this.#places.set(tensor, file);
  }

  /** Opens all shards. As elsewhere they say themselves which tensors they have, whatever the index says of each. */
  #readIndex(): void {
    const path = `${this.folder}/${INDEX}`;
    const { weight_map } = readJson(path);
    if (!isObject(weight_map)) {
      throw new CheckpointError(`Cannot read ${path}: weight_map must map tensors to files`);
    }
    for (const [name, shard] of Object.entries(weight_map)) {
      // A shard lies beside its index; anything else would lead out of the folder.
      if (typeof shard !== "string" || !/^[\w.-]+\.safetensors$/.test(shard)) {
        throw new CheckpointError(
          `Cannot read ${path}: tensor ${quote(name)} must lie in a .safetensors file of the same folder, ` +
            `current value is ${show(shard)}`,
        );
      }
      if (!this.#files.has(shard)) this.#open(shard);
    }
  }

  /** Weights that are codes with scales beside them become what both stand for. */
  #applyScales(): void {
    const { folder, rawConfig: { quantization_config } } = this;
    // Where it is none that is understood, tensors are left as they are, to be looked at.
    if (quantizationFault(quantization_config) !== undefined) return;
    const declared = quantization_config != null || isFile(`${folder}/${QUANTIZATION}`);
    for (const [name, weight] of scaledWeights(this.#places, { folder, declared })) {
      for (const part of weight.parts) this.#places.delete(part);
      this.#places.set(name, weight);
    }
  }

  /**
   * Where the decoder's parts are. A tied model has one copy of its embedding, under whichever name; where it has two that
   * differ, they are two tensors.
   *
   * @throws {ConfigError} when the checkpoint was quantized in a way that is not understood.
   * @throws {CheckpointError} when a copy cannot be read.
   */
  get layout(): Layout {
    if (this.#layout) return this.#layout;
    const fault = quantizationFault(this.rawConfig.quantization_config);
    if (fault !== undefined) throw new ConfigError(`Cannot use ${this.folder}: ${fault}`);
    const layout = layoutOf(this.config, (name) => this.#hasWeight(name));
    const [embedding, head] = [layout.embedding.name, layout.head?.weight.name];
    const copied = this.config.tie_word_embeddings && head !== undefined && head !== embedding &&
      this.#same(embedding, head);
    return this.#layout = copied ? { ...layout, head: undefined } : layout;
  }

  /**
   * The tensors that the decoder is made of. Biases that the config denies are none of them: others leave them out. A GGUF
   * file's model has what the file has.
   */
  places(): TensorPlace[] {
    return [...tensorsOf(this.layout)].filter(({ name, optional }) =>
      !optional || (this.#files.has("") && this.has(name))
    );
  }

  /** Whether there is a weight, dense or packed. */
  #hasWeight(name: string): boolean {
    return this.has(name) || this.has(`${name}.codes`);
  }

  /** Whether two tensors are equal. */
  #same(a: string, b: string): boolean {
    // Of two of which one is packed, the packed one would have to be guessed at.
    if (!this.has(a) || !this.has(b)) return false;
    const [first, second] = [this.info(a), this.info(b)];
    if (first.dtype !== second.dtype || String(first.shape) !== String(second.shape)) return false;
    const others = this.chunks(b)[Symbol.iterator]();
    for (const chunk of this.chunks(a)) {
      const { value: other } = others.next();
      if (!equalBytes(chunk, other)) return false;
    }
    return true;
  }

  /** Names of all tensors. */
  names(): string[] {
    return [...this.#places.keys()];
  }

  /** Whether there is a tensor of that name. */
  has(name: string): boolean {
    return this.#places.has(name);
  }

  /**
   * Type, shape and size of a tensor.
   *
   * @throws {CheckpointError} when it is missing.
   */
  info(name: string): TensorInfo {
    return this.#place(name).info(name);
  }

  /**
   * The bytes of a tensor.
   *
   * @param room makes room for them; an array of their own when absent.
   * @throws {CheckpointError} when it is missing or cut off.
   */
  read(name: string, room?: (bytes: number) => Uint8Array): Uint8Array {
    const file = this.#place(name);
    return file.read(name, room?.(file.info(name).bytes));
  }

  /**
   * A tensor as a matrix. No more than a few MB are used beside the result.
   *
   * @param size the size that it must have; a tensor of one dimension is one row.
   * @param room makes room for the values of what has more than one row, which are then kept as a backend reads them: F16 and
   * BF16 as they are stored, others as float32. Absent, they are float32 in an array of their own.
   * @throws {CheckpointError} when it is missing, cut off or of another size.
   * @throws {TensorError} when a value is not finite.
   */
  matrix(
    name: string,
    size: { rows: number; cols: number },
    room?: (bytes: number) => Uint8Array,
  ): Matrix {
    const { rows, cols } = size;
    const { dtype, shape } = this.info(name);
    const expected = rows === 1 && shape.length < 2 ? [cols] : [rows, cols];
    if (shape.length !== expected.length || shape.some((n, i) => n !== expected[i])) {
      throw new CheckpointError(
        `Cannot use tensor ${quote(name)} of ${this.folder}: expected shape ${showShape(expected)}, ` +
          `current shape is ${showShape(shape)}`,
      );
    }
    const file = this.#place(name);
    const tensor = `${quote(name)} of ${this.folder}`;
    if (room && rows > 1 && isStoredType(dtype)) {
      const stored = file.read(name, room(rows * cols * bytesOf(dtype)));
      checkFinite(stored, { tensor, cols, dtype });
      return storedMatrix(stored, { rows, cols, dtype });
    }
    const { buffer, byteOffset } = room && rows > 1 ? room(4 * rows * cols) : new Float32Array(rows * cols);
    const data = file.readFloat32(name, new Float32Array(buffer, byteOffset, rows * cols));
    checkFinite(data, { tensor, cols });
    return { rows, cols, data, dtype };
  }

  /**
   * Some rows of a tensor of two dimensions, read one by one.
   *
   * @returns a matrix of as many rows as are asked for, in that order.
   * @throws {CheckpointError} when the tensor is missing, cut off or has no such row.
   * @throws {TensorError} when a value is not finite.
   */
  rows(name: string, rows: readonly number[]): Matrix {
    const file = this.#place(name);
    const { dtype, shape: [count = 0, cols = 0] } = file.info(name);
    const missing = rows.find((row) => !(row >= 0 && row < count));
    if (missing !== undefined) {
      throw new CheckpointError(
        `Cannot use row ${missing} of ${quote(name)} of ${this.folder}: it has ${count}`,
      );
    }
    const bytes = cols * bytesOf(dtype);
    const stored = new Uint8Array(rows.length * bytes);
    const whole = file.readPart ? undefined : file.read(name);
    rows.forEach((row, i) => {
      const out = stored.subarray(i * bytes, (i + 1) * bytes);
      if (whole) out.set(whole.subarray(row * bytes, (row + 1) * bytes));
      else file.readPart!(name, row * bytes, out);
    });
    const data = toFloat32(stored, dtype);
    checkFinite(data, { tensor: `${quote(name)} of ${this.folder}`, cols });
    return { rows: rows.length, cols, data, dtype };
  }

  /** A tensor's bytes piece by piece, each in the same array as the one before. */
  chunks(name: string): Iterable<Uint8Array> {
    const file = this.#place(name);
    return file.chunks?.(name) ?? [file.read(name)];
  }

  /** The files that the tensors lie in. */
  files(): string[] {
    return [...this.#files.keys()].map((name) => name === "" ? this.folder : `${this.folder}/${name}`);
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
    this.#files.clear();
  }

  #place(name: string): TensorFile {
    const file = this.#places.get(name);
    if (file) return file;
    throw new CheckpointError(
      `Cannot find tensor ${quote(name)} in ${this.folder}: ${alternatives(name, this.#places.keys())}`,
    );
  }
}
