/**
 * Checkpoints: folders in Hugging Face layout.
 *
 * @module
 */
import { Any4Error, CheckpointError, OptionError } from "../../errors.ts";
import { bytesOf, toFloat32 } from "../../matrix/dtype.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import { SafetensorsFile } from "../../files/safetensors/read.ts";
import type { TensorInfo } from "../../files/safetensors/header.ts";
import { JsonCursor } from "../../files/safetensors/json.ts";
import { alternatives, type Fail, quote, showShape } from "../../files/safetensors/messages.ts";
import {
  storedBytes,
  type TensorToWrite,
  writeBeside,
  writeSafetensors,
} from "../../files/safetensors/write.ts";
import { isStoredType, storedMatrix } from "../../matrix/stored_matrix.ts";
import type { TensorFile } from "../../files/tensor_file.ts";
import { type ModelConfig, parseConfig, show } from "./config.ts";
import type { GgufModel } from "../gguf/open.ts";
import { floatKeys, jsonWithFloats } from "./json_floats.ts";

type Json = Record<string, unknown>;

const CONFIG = "config.json";
const GENERATION_CONFIG = "generation_config.json";
const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/** A weights file of this layout, whole or a shard. */
const WEIGHTS_FILE = /^model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/;

/** What belongs to a model's text side, and the terms that it comes under. */
const COPIED_FILES = [
  ...["tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json"],
  ...["added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json"],
  ...["LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE"],
];

/** Larger JSON files are none of a checkpoint's, and would only exhaust memory. */
const LARGEST_JSON = 2 ** 24;

/** What a save builds, inside the folder, before anything in the folder changes. */
const STAGING = ".saving-";

/** Where a quantization from disk to disk keeps what it has done, inside the folder, until it is finished. */
export const UNFINISHED = ".quantizing";

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readJson(path: string): Json {
  const fail: Fail = (what, cause) => {
    throw new CheckpointError(`Cannot read ${path}: ${what}`, { cause });
  };
  let text = "";
  try {
    const { size, isFile } = Deno.statSync(path);
    if (!isFile) fail("it is not a file");
    if (size > LARGEST_JSON) fail(`it has ${size} bytes, at most ${LARGEST_JSON} are read`);
    text = new TextDecoder("utf-8", { fatal: true }).decode(Deno.readFileSync(path));
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    fail(cause instanceof TypeError ? "it is not UTF-8" : (cause as Error).message, cause);
  }
  // Read over first: JSON.parse would build whatever a hostile file has nested.
  const cursor = new JsonCursor(text, { name: "it", fail });
  cursor.skip();
  cursor.end();
  const json: unknown = JSON.parse(text);
  return isObject(json) ? json : fail("expected a JSON object");
}

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

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** What a checkpoint is made of. */
export interface CheckpointParts {
  /** config.json. */
  readonly config: Record<string, unknown>;
  /** generation_config.json; null removes the one that is there. */
  readonly generationConfig?: Record<string, unknown> | null;
  /** The tensors; each one's data is asked for when its turn comes. */
  readonly tensors: Iterable<TensorToWrite>;
  /** Metadata of the safetensors files. */
  readonly metadata?: Record<string, string>;
  /** A folder whose tokenizer and licence files are copied. */
  readonly copyFrom?: string;
  /** Texts of further files by name. */
  readonly texts?: Readonly<Record<string, string>>;
  /** JSON files by name, for what there is none to copy of. */
  readonly files?: Readonly<Record<string, unknown>> | null;
  /** Bytes of a safetensors file at most, unless one tensor has more; 5 GB when absent. */
  readonly maxShardBytes?: number;
}

/**
 * Writes a checkpoint under Hugging Face's file names, split into shards and an index where it is large.
 *
 * Everything is written whole into a folder inside `folder` first and only then moved up, config.json last: when writing
 * fails, a checkpoint that was there before stays as it was, and an interrupted save is never taken for a model. Weight
 * files that the new checkpoint does not replace are removed.
 *
 * @throws {ConfigError} when `config` would not be read again.
 * @throws {CheckpointError} when a tensor is not what it says, or writing fails.
 * @throws {OptionError} when `maxShardBytes` is not above 0.
 *
 * @example
 * ```ts
 * using checkpoint = Checkpoint.open("models/tinyworld");
 * const tensors = checkpoint.names().map((name) => ({
 *   ...checkpoint.info(name),
 *   data: () => checkpoint.read(name),
 * }));
 * const folder = await Deno.makeTempDir();
 * writeCheckpoint(folder, { config: checkpoint.rawConfig, tensors, copyFrom: checkpoint.folder });
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function writeCheckpoint(folder: string, parts: CheckpointParts): void {
  parseConfig(parts.config, `${folder}/${CONFIG}`);
  const shards = splitIntoShards(parts.tensors, parts.maxShardBytes ?? 5e9);
  const existed = exists(folder);
  const staging = `${folder}/${STAGING}${Deno.pid}`;
  try {
    Deno.mkdirSync(folder, { recursive: true });
    // Killed saves have left theirs.
    for (const { name } of [...Deno.readDirSync(folder)]) {
      if (name.startsWith(STAGING)) Deno.removeSync(`${folder}/${name}`, { recursive: true });
    }
    Deno.mkdirSync(staging);
    writeFiles(staging, shards, parts);
    moveInto(folder, staging, parts.generationConfig === null);
  } catch (cause) {
    if (cause instanceof Any4Error) throw cause;
    throw new CheckpointError(`Cannot write ${folder}: ${(cause as Error).message}`, { cause });
  } finally {
    tryTo(() => Deno.removeSync(staging, { recursive: true }));
    // Only succeeds when empty.
    if (!existed) tryTo(() => Deno.removeSync(folder));
  }
}

/** Tensors in their order, as many in a file as fit; one that is larger has a file of its own. */
function splitIntoShards(tensors: Iterable<TensorToWrite>, most: number): TensorToWrite[][] {
  if (!(most > 0)) {
    throw new OptionError(`Cannot write shards: maxShardBytes must be above 0, current value is ${most}`);
  }
  const shards: TensorToWrite[][] = [[]];
  let used = 0;
  for (const tensor of tensors) {
    const bytes = storedBytes(tensor);
    if (used > 0 && used + bytes > most) {
      shards.push([]);
      used = 0;
    }
    shards.at(-1)!.push(tensor);
    used += bytes;
  }
  return shards;
}

function writeFiles(folder: string, shards: readonly TensorToWrite[][], parts: CheckpointParts): void {
  const five = (n: number) => String(n).padStart(5, "0");
  const places = new Map<string, string>();
  let total_size = 0;
  for (const [i, tensors] of shards.entries()) {
    const file = shards.length === 1 ? WEIGHTS : `model-${five(i + 1)}-of-${five(shards.length)}.safetensors`;
    for (const tensor of tensors) {
      if (places.has(tensor.name)) {
        throw new CheckpointError(`Cannot write ${folder}: there are two tensors ${quote(tensor.name)}`);
      }
      places.set(tensor.name, file);
      total_size += storedBytes(tensor);
    }
    writeSafetensors(`${folder}/${file}`, tensors, parts.metadata);
  }
  if (shards.length > 1) {
    writeJson(`${folder}/${INDEX}`, { metadata: { total_size }, weight_map: Object.fromEntries(places) });
  }
  for (const file of COPIED_FILES) {
    const from = `${parts.copyFrom}/${file}`;
    if (parts.copyFrom !== undefined && isFile(from)) Deno.copyFileSync(from, `${folder}/${file}`);
  }
  for (const [file, text] of Object.entries(parts.texts ?? {})) writeText(`${folder}/${file}`, text);
  for (const [name, json] of Object.entries(parts.files ?? {})) writeJson(`${folder}/${name}`, json);
  if (parts.generationConfig) writeJson(`${folder}/${GENERATION_CONFIG}`, parts.generationConfig);
  const original = `${parts.copyFrom}/${CONFIG}`;
  const floats = parts.copyFrom !== undefined && isFile(original)
    ? floatKeys(Deno.readTextFileSync(original))
    : undefined;
  writeJson(`${folder}/${CONFIG}`, parts.config, floats);
}

function writeJson(path: string, json: unknown, floats: ReadonlySet<string> = new Set()): void {
  writeText(path, jsonWithFloats(json, floats) + "\n");
}

function writeText(path: string, text: string): void {
  writeBeside(path, () => [new TextEncoder().encode(text)]);
}

/** Moves all files up into the folder. While config.json is away there is no model to be loaded by halves. */
function moveInto(folder: string, staging: string, dropGenerationConfig: boolean): void {
  const names = [...Deno.readDirSync(staging)].map(({ name }) => name);
  if (exists(`${folder}/${CONFIG}`)) Deno.removeSync(`${folder}/${CONFIG}`);
  if (dropGenerationConfig && isFile(`${folder}/${GENERATION_CONFIG}`)) {
    Deno.removeSync(`${folder}/${GENERATION_CONFIG}`);
  }
  for (const { name } of [...Deno.readDirSync(folder)]) {
    if (WEIGHTS_FILE.test(name) && !names.includes(name)) Deno.removeSync(`${folder}/${name}`);
  }
  for (const name of names.filter((name) => name !== CONFIG).concat(CONFIG)) {
    Deno.renameSync(`${staging}/${name}`, `${folder}/${name}`);
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function tryTo(run: () => void): void {
  try {
    run();
  } catch {
    // Whatever it was, it was not needed.
  }
}
