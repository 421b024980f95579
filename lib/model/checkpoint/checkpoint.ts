/**
 * Reading checkpoints: folders in Hugging Face layout, or a GGUF file.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { exists, isFile, tryTo } from "../../files/disk.ts";
import { isObject, readJson } from "../../files/json_file.ts";
import type { TensorInfo } from "../../files/safetensors/header.ts";
import { alternatives, quote, showShape } from "../../files/safetensors/messages.ts";
import { SafetensorsFile } from "../../files/safetensors/read.ts";
import type { TensorFile } from "../../files/tensor_file.ts";
import { bytesOf, toFloat32 } from "../../matrix/dtype.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import { isStoredType, storedMatrix } from "../../matrix/stored_matrix.ts";
import { show } from "../architectures/config_reader.ts";
import { parseConfig } from "../architectures/parse_config.ts";
import type { ModelConfig } from "../decoder/config.ts";
import type { GgufModel } from "../gguf/open.ts";
import { CONFIG, GENERATION_CONFIG, INDEX, UNFINISHED, WEIGHTS } from "./file_names.ts";

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
      if (isFile(`${folder}/${WEIGHTS}`)) {
        const file = this.#file(WEIGHTS);
        for (const name of file.names()) this.#places.set(name, file);
      } else if (isFile(`${folder}/${INDEX}`)) {
        this.#readIndex();
      } else {
        throw lacks(folder, `${WEIGHTS} and ${INDEX}`);
      }
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

  #file(name: string): TensorFile {
    let file = this.#files.get(name);
    if (!file) this.#files.set(name, file = SafetensorsFile.open(`${this.folder}/${name}`));
    return file;
  }

  #readIndex(): void {
    const path = `${this.folder}/${INDEX}`;
    const { weight_map } = readJson(path);
    if (!isObject(weight_map)) {
      throw new CheckpointError(`Cannot read ${path}: weight_map must map tensors to files`);
    }
    for (const [name, shard] of Object.entries(weight_map)) {
      const tensor = `Cannot read ${path}: tensor ${quote(name)}`;
      // A shard lies beside its index; anything else would lead out of the folder.
      if (typeof shard !== "string" || !/^[\w.-]+\.safetensors$/.test(shard)) {
        throw new CheckpointError(
          `${tensor} must lie in a .safetensors file of the same folder, current value is ${show(shard)}`,
        );
      }
      const file = this.#file(shard);
      if (!file.has(name)) {
        throw new CheckpointError(`${tensor} is not in ${shard}: ${alternatives(name, file.names())}`);
      }
      this.#places.set(name, file);
    }
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
    if (!room || rows === 1) return { rows, cols, data: file.readFloat32(name), dtype };
    if (isStoredType(dtype)) {
      return storedMatrix(file.read(name, room(rows * cols * bytesOf(dtype))), { rows, cols, dtype });
    }
    const { buffer, byteOffset } = room(4 * rows * cols);
    return {
      rows,
      cols,
      data: file.readFloat32(name, new Float32Array(buffer, byteOffset, rows * cols)),
      dtype,
    };
  }

  /**
   * Some rows of a tensor of two dimensions, read one by one.
   *
   * @returns a matrix of as many rows as are asked for, in that order.
   * @throws {CheckpointError} when the tensor is missing, cut off or has no such row.
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
    return { rows: rows.length, cols, data: toFloat32(stored, dtype), dtype };
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
