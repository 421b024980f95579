/**
 * Writing checkpoints: folders in Hugging Face layout.
 *
 * @module
 */
import { Any4Error, CheckpointError, OptionError } from "../../errors.ts";
import { exists, isFile, tryTo, writeText } from "../../files/disk.ts";
import { floatKeys } from "../../files/json_floats.ts";
import { writeJson } from "../../files/json_file.ts";
import { quote } from "../../files/safetensors/messages.ts";
import { tensorBytes, type TensorToWrite, writeSafetensors } from "../../files/safetensors/write.ts";
import { parseConfig } from "../architectures/parse_config.ts";
import { CONFIG, GENERATION_CONFIG, INDEX, WEIGHTS } from "./file_names.ts";

/** A weights file of this layout, whole or a shard. */
const WEIGHTS_FILE = /^model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/;

/** The tokenizer's files and the licence. */
const COPIED_FILES = [
  ...["tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json"],
  ...["added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json"],
  ...["LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE"],
];

/** The folder inside the target in which a save is prepared. */
const STAGING = ".saving-";

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
}

/**
 * Writes a checkpoint under Hugging Face's file names. A large one is split into shards with an index.
 *
 * Everything is written whole into a folder inside `folder` first and only then moved up, config.json last: when writing
 * fails, a checkpoint that was there before stays as it was, and an interrupted save is never taken for a model. Weight
 * files that the new checkpoint does not replace are removed.
 *
 * @throws {ConfigError} when `config` would not be read again.
 * @throws {CheckpointError} when a tensor's data does not match its type and shape, or writing fails.
 * @throws {OptionError} when `maxShardBytes` is not above 0.
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
