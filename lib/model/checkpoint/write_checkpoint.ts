/**
 * Writing checkpoints: folders in Hugging Face layout.
 *
 * @module
 */
import { CheckpointError, OptionError } from "../../errors.ts";
import { isFile, isSameFile, leadsOut, writeBeside, writeText } from "../../files/disk.ts";
import { floatKeys } from "../../files/json_floats.ts";
import { writeJson } from "../../files/json_file.ts";
import {
  checkReplaceable,
  currentFolder,
  replaceFiles,
  type Replacement,
} from "../../files/replace_files.ts";
import { quote } from "../../files/safetensors/messages.ts";
import { tensorBytes, type TensorToWrite, writeSafetensors } from "../../files/safetensors/write.ts";
import { parseConfig } from "../architectures/parse_config.ts";
import {
  CONFIG,
  COPIED_FILES,
  GENERATION_CONFIG,
  INDEX,
  isModelFile,
  UNFINISHED,
  WEIGHTS,
} from "./file_names.ts";

/** The parts of a checkpoint. */
export interface CheckpointParts {
  /** config.json. */
  readonly config: Record<string, unknown>;
  /** generation_config.json; null removes the one that is there. */
  readonly generationConfig?: Record<string, unknown> | null;
  /** The tensors; their data is read in turn. */
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
  /** Replace files that this library has not written. */
  readonly force?: boolean;
}

/** Which files a checkpoint replaces, and which of other origin it does not. */
function replacement(force?: boolean): Replacement {
  return { belongs: isModelFile, last: CONFIG, beside: [UNFINISHED], force };
}

/**
 * Checks that a checkpoint can be written into a folder without loss.
 *
 * @throws {OptionError} when the folder has files that this library has not written, unless `force` is given.
 */
export function checkTarget(folder: string, options: { force?: boolean }): void {
  checkReplaceable(folder, replacement(options.force));
}

/**
 * Writes a checkpoint under Hugging Face's file names. A large one is split into shards with an index.
 *
 * The old checkpoint's files are replaced by {@linkcode replaceFiles}, all or none; what it had and the new one has not goes.
 *
 * @throws {ConfigError} when `config` would not be read again.
 * @throws {CheckpointError} when a tensor's data does not match its type and shape, writing fails, or another process writes into
 * the folder.
 * @throws {OptionError} when `maxShardBytes` is not above 0, or the folder has files that this library has not written.
 *
 * @example
 * ```ts
 * import { Checkpoint } from "./checkpoint.ts";
 * import { assertEquals } from "@std/assert";
 *
 * using checkpoint = Checkpoint.open("models/tinyworld");
 * const tensors = checkpoint.names().map((name) => ({
 *   ...checkpoint.info(name),
 *   data: () => checkpoint.read(name),
 * }));
 * const folder = await Deno.makeTempDir();
 * writeCheckpoint(folder, { config: checkpoint.rawConfig, tensors, copyFrom: checkpoint.folder });
 * {
 *   using copy = Checkpoint.open(folder);
 *   assertEquals(copy.names(), checkpoint.names());
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function writeCheckpoint(folder: string, parts: CheckpointParts): void {
  parseConfig(parts.config, `${folder}/${CONFIG}`);
  const shards = splitIntoShards(parts.tensors, parts.maxShardBytes ?? 5e9);
  // An unfinished replacement, which may have been the source, is finished first.
  const { copyFrom } = parts;
  const own = copyFrom !== undefined && isSameFile(copyFrom, currentFolder(folder));
  replaceFiles(folder, replacement(parts.force), (into) => {
    writeFiles(into, shards, own ? { ...parts, copyFrom: folder } : parts);
  });
}

/** Tensors in their order, as many in a file as fit; one that is larger has a file of its own. */
function splitIntoShards(tensors: Iterable<TensorToWrite>, most: number): TensorToWrite[][] {
  if (!(most > 0)) {
    throw new OptionError(`Cannot write shards: maxShardBytes must be above 0, current value is ${most}`);
  }
  const shards: TensorToWrite[][] = [[]];
  let used = 0;
  for (const tensor of tensors) {
    const bytes = tensorBytes(tensor);
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
      total_size += tensorBytes(tensor);
    }
    writeSafetensors(`${folder}/${file}`, tensors, parts.metadata);
  }
  if (shards.length > 1) {
    writeJson(`${folder}/${INDEX}`, { metadata: { total_size }, weight_map: Object.fromEntries(places) });
  }
  if (parts.copyFrom !== undefined) copyFiles(parts.copyFrom, folder);
  for (const [file, text] of Object.entries(parts.texts ?? {})) writeText(`${folder}/${file}`, text);
  for (const [name, json] of Object.entries(parts.files ?? {})) writeJson(`${folder}/${name}`, json);
  if (parts.generationConfig) writeJson(`${folder}/${GENERATION_CONFIG}`, parts.generationConfig);
  const original = `${parts.copyFrom}/${CONFIG}`;
  const floats = parts.copyFrom !== undefined && isFile(original)
    ? floatKeys(Deno.readTextFileSync(original))
    : undefined;
  writeJson(`${folder}/${CONFIG}`, parts.config, floats);
}

/** Copies the files of a model's text side, and its terms. */
function copyFiles(from: string, to: string): void {
  for (const file of COPIED_FILES) {
    const path = `${from}/${file}`;
    if (!isFile(path)) continue;
    const elsewhere = leadsOut(from, file);
    if (elsewhere !== undefined) {
      throw new CheckpointError(`Cannot copy ${path}: it is a link to ${elsewhere}, outside of its folder`);
    }
    writeBeside(`${to}/${file}`, () => [Deno.readFileSync(path)]);
  }
}
