/**
 * Checkpoints: folders in Hugging Face layout.
 *
 * @module
 */
import { CheckpointError } from "../errors.ts";
import { toFloat32 } from "../matrix/dtype.ts";
import type { Matrix } from "../matrix/matrix.ts";
import {
  SafetensorsFile,
  type TensorInfo,
  type TensorToWrite,
  writeSafetensors,
} from "../matrix/safetensors.ts";
import { bytesOf } from "../matrix/dtype.ts";
import { type LlamaConfig, parseConfig } from "./config.ts";

type Json = Record<string, unknown>;

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
];

function readJson(path: string): Json {
  let json: unknown;
  try {
    json = JSON.parse(Deno.readTextFileSync(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw new CheckpointError(`Cannot find ${path}`, { cause });
    throw new CheckpointError(`Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new CheckpointError(`Cannot read ${path}: expected a JSON object`);
  }
  return json as Json;
}

/** An open checkpoint: config.json, and one or many safetensors files whose tensors are read when asked for. */
export class Checkpoint implements Disposable {
  /** The folder. */
  readonly folder: string;
  /** config.json, checked. */
  readonly config: LlamaConfig;
  /** config.json as it stands. */
  readonly rawConfig: Json;
  /** generation_config.json as it stands, if there is one. */
  readonly generationConfig: Json | null;
  readonly #files = new Map<string, SafetensorsFile>();
  /** The file of each tensor. */
  readonly #places = new Map<string, SafetensorsFile>();

  private constructor(folder: string) {
    this.folder = folder;
    this.rawConfig = readJson(`${folder}/config.json`);
    this.config = parseConfig(this.rawConfig, `${folder}/config.json`);
    this.generationConfig = isFile(`${folder}/generation_config.json`)
      ? readJson(`${folder}/generation_config.json`)
      : null;
    try {
      if (isFile(`${folder}/${WEIGHTS}`)) {
        const file = this.#file(WEIGHTS);
        for (const name of file.tensors.keys()) this.#places.set(name, file);
      } else if (isFile(`${folder}/${INDEX}`)) {
        this.#readIndex();
      } else {
        throw new CheckpointError(`Cannot find weights in ${folder}: looked for ${WEIGHTS} and ${INDEX}`);
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
   * @throws {ConfigError} when config.json asks for something that is not supported.
   */
  static open(folder: string): Checkpoint {
    let info: Deno.FileInfo;
    try {
      info = Deno.statSync(folder);
    } catch (cause) {
      throw new CheckpointError(`Cannot open the model ${folder}: expected a folder with config.json`, {
        cause,
      });
    }
    if (!info.isDirectory) {
      throw new CheckpointError(`Cannot open the model ${folder}: it is a file, expected a folder`);
    }
    return new Checkpoint(folder);
  }

  #file(name: string): SafetensorsFile {
    let file = this.#files.get(name);
    if (!file) this.#files.set(name, file = SafetensorsFile.open(`${this.folder}/${name}`));
    return file;
  }

  #readIndex(): void {
    const path = `${this.folder}/${INDEX}`;
    const { weight_map } = readJson(path);
    if (typeof weight_map !== "object" || weight_map === null) {
      throw new CheckpointError(`Cannot read ${path}: weight_map is missing`);
    }
    for (const [name, shard] of Object.entries(weight_map)) {
      // A shard lies beside its index; anything else would lead out of the folder.
      if (typeof shard !== "string" || !/^[\w.-]+\.safetensors$/.test(shard)) {
        throw new CheckpointError(
          `Cannot read ${path}: ${name} must lie in a file of this folder, not ${JSON.stringify(shard)}`,
        );
      }
      const file = this.#file(shard);
      file.info(name);
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

  #place(name: string): SafetensorsFile {
    const file = this.#places.get(name);
    if (!file) throw new CheckpointError(`Cannot find tensor ${name} in ${this.folder}`);
    return file;
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
   * @throws {CheckpointError} when it is missing or cut off.
   */
  read(name: string): Uint8Array {
    return this.#place(name).read(name);
  }

  /**
   * A tensor of one or two dimensions as float32; one dimension is one row.
   *
   * @param expect the size that it must have.
   * @throws {CheckpointError} when it is missing, cut off, or of another size.
   */
  matrix(name: string, expect: { rows?: number; cols?: number } = {}): Matrix {
    const { dtype, shape } = this.info(name);
    const [rows, cols] = shape.length === 1 ? [1, shape[0]!] : [shape[0] ?? 0, shape[1] ?? 0];
    const fits = rows === (expect.rows ?? rows) && cols === (expect.cols ?? cols);
    if ((shape.length !== 1 && shape.length !== 2) || !fits) {
      const { rows: r = "any", cols: c = "any" } = expect;
      throw new CheckpointError(
        `Cannot use tensor ${name} of ${this.folder}: expected [${r}, ${c}], current shape is [${shape}]`,
      );
    }
    return { rows, cols, data: toFloat32(this.read(name), dtype), dtype };
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
    this.#files.clear();
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
  readonly config: Json;
  /** generation_config.json, if any. */
  readonly generationConfig?: Json | null;
  /** The tensors. */
  readonly tensors: readonly TensorToWrite[];
  /** Metadata of the safetensors files. */
  readonly metadata?: Record<string, string>;
  /** A folder whose tokenizer files are copied. */
  readonly copyFrom?: string;
  /** Bytes of a safetensors file at most, unless one tensor has more; 5 GB when absent. */
  readonly maxShardBytes?: number;
}

/**
 * Writes a checkpoint. Every file is written beside its place and renamed when whole, config.json last, so that an
 * interrupted save is not taken for a model.
 *
 * @throws {CheckpointError} when writing fails.
 */
export function writeCheckpoint(folder: string, parts: CheckpointParts): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new CheckpointError(`Cannot make the folder ${folder}: ${(cause as Error).message}`, { cause });
  }
  const writeText = (name: string, json: unknown) => {
    try {
      Deno.writeTextFileSync(`${folder}/${name}.part`, JSON.stringify(json, null, 2) + "\n");
      Deno.renameSync(`${folder}/${name}.part`, `${folder}/${name}`);
    } catch (cause) {
      throw new CheckpointError(`Cannot write ${folder}/${name}: ${(cause as Error).message}`, { cause });
    }
  };
  const size = (tensor: TensorToWrite) =>
    tensor.shape.reduce((product, n) => product * n, bytesOf(tensor.dtype));
  const shards: TensorToWrite[][] = [];
  let room = 0;
  for (const tensor of parts.tensors) {
    if (shards.length === 0 || size(tensor) > room) {
      shards.push([]);
      room = parts.maxShardBytes ?? 5e9;
    }
    shards.at(-1)!.push(tensor);
    room -= size(tensor);
  }
  const five = (n: number) => String(n).padStart(5, "0");
  const name = (i: number) =>
    shards.length === 1 ? WEIGHTS : `model-${five(i + 1)}-of-${five(shards.length)}.safetensors`;
  for (const [i, tensors] of shards.entries()) {
    writeSafetensors(`${folder}/${name(i)}`, tensors, parts.metadata);
  }
  if (shards.length > 1) {
    const places = shards.flatMap((tensors, i) => tensors.map((tensor) => [tensor.name, name(i)] as const));
    const total_size = parts.tensors.reduce((sum, tensor) => sum + size(tensor), 0);
    writeText(INDEX, { metadata: { total_size }, weight_map: Object.fromEntries(places) });
  }
  for (const file of TOKENIZER_FILES) {
    const from = `${parts.copyFrom}/${file}`;
    if (parts.copyFrom === undefined || !isFile(from) || `${folder}/${file}` === from) continue;
    try {
      Deno.copyFileSync(from, `${folder}/${file}`);
    } catch (cause) {
      throw new CheckpointError(`Cannot copy ${from} to ${folder}: ${(cause as Error).message}`, { cause });
    }
  }
  if (parts.generationConfig) writeText("generation_config.json", parts.generationConfig);
  writeText("config.json", parts.config);
}
