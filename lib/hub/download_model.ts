/**
 * Download of a model from the Hugging Face Hub into the cache that Python's huggingface_hub uses too.
 *
 * @module
 */
import { HubError } from "../errors.ts";
import { cutShort } from "../event_loop.ts";
import { ask, isFile, isFolder } from "../files/disk.ts";
import { partPaths } from "../files/gguf/split.ts";
import { readJson } from "../files/json_file.ts";
import { RepoCache } from "./cache.ts";
import { downloadFile, type RepoFile } from "./download_file.ts";
import { hubFetch, unreachable } from "./hub_fetch.ts";
import { type ModelId, parseModelId } from "./model_id.ts";
import { listRepo } from "./repo_files.ts";
import { type HubOptions, type HubSettings, hubSettings } from "./settings.ts";

/** Options of {@linkcode downloadModel}. */
export interface DownloadOptions extends HubOptions {
  /** Called as bytes arrive, with the bytes so far, the total, and the current file. */
  onProgress?: (bytes: number, total: number, file: string) => void;
  /** Called with notices for the user, such as that the Hub cannot be reached and the last download is used. */
  onNotice?: (notice: string) => void;
}

/** The files of a checkpoint beside its weights: config, tokenizer, licence. */
const SMALL_FILES = [
  ...["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model"],
  ...["special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt"],
  ...["chat_template.jinja", "chat_template.json", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE"],
];
const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const SHARD = /^model-\d+-of-\d+\.safetensors$/;

/**
 * Downloads the needed files of a model on the Hub, unless they are in the cache: config, tokenizer and safetensors, or one
 * .gguf file with the other parts of its model; no pickles, no copies in other forms.
 *
 * @param name "org/name", "org/name@revision" or "org/name/file.gguf".
 * @returns the folder, or the .gguf file, in the cache.
 * @throws {HubError} when there is no such model, no permission or no connection, or a file arrives with wrong bytes.
 *
 * @example
 * ```ts
 * import { downloadModel } from "any4/hub";
 * import { HubError } from "any4";
 * import { assertRejects } from "@std/assert";
 *
 * const cache = await Deno.makeTempDir();
 * await assertRejects(
 *   () => downloadModel("org/name", { offline: true, cache }),
 *   HubError,
 *   "Cannot load org/name: offline, and it has not been downloaded to",
 * );
 * ```
 */
export async function downloadModel(name: string, options: DownloadOptions = {}): Promise<string> {
  const id = parseModelId(name);
  if (!id) {
    throw new HubError(
      `Cannot load ${name}: expected a name on the Hub, org/name, org/name@revision or org/name/file.gguf`,
    );
  }
  const settings = hubSettings(options);
  const cache = new RepoCache(settings.cache, { repo: id.repo });
  if (settings.offline) return await cached(id, cache, "offline");
  try {
    return await download(id, { cache, settings, options });
  } catch (error) {
    // Without a connection, the previous download is used.
    if (!(error instanceof HubError) || !unreachable(error)) throw error;
    const folder = await cached(id, cache, "").catch((other) => {
      throw cutShort(other) ? other : error;
    });
    options.onNotice?.(`${error.message}. Using what was downloaded before`);
    return folder;
  }
}

async function download(
  id: ModelId,
  with_: { cache: RepoCache; settings: HubSettings; options: DownloadOptions },
): Promise<string> {
  const { cache, settings, options } = with_;
  const fetch = hubFetch(settings, { verb: "load", repo: id.repo });
  const { commit, files } = await listRepo(
    { repo: id.repo, kind: "model", revision: id.revision, recursive: id.file?.includes("/") },
    { settings, fetch },
  );

  const present = (names: readonly string[]) => names.flatMap((name) => files.get(name) ?? []);
  const sum = (wanted: readonly RepoFile[]) => wanted.reduce((bytes, { size }) => bytes + size, 0);
  let done = 0;
  const get = async (wanted: readonly RepoFile[], rest: readonly RepoFile[] = []) => {
    const total = done + sum(wanted) + sum(rest);
    for (const file of wanted) {
      const onBytes = (bytes: number) => options.onProgress?.(done + bytes, total, file.path);
      await downloadFile(file, { repo: id.repo, commit, cache, settings, fetch, onBytes });
      done += file.size;
    }
  };
  const gguf = id.file ?? onlyGguf(id, files);
  if (gguf !== undefined) {
    const parts = partsOf(gguf);
    const lacking = parts.find((path) => !files.has(path));
    if (lacking !== undefined) throw new HubError(`Cannot load ${id.repo}: it has no file ${lacking}`);
    await get(present(parts));
  } else {
    const folder = cache.snapshot(commit);
    const whole = files.has(WEIGHTS);
    // All that is not weights first: an index says which files the weights are in, names let them be guessed.
    const guess = whole ? [WEIGHTS] : [...files.keys()].filter((path) => SHARD.test(path));
    await get(present(whole ? SMALL_FILES : [...SMALL_FILES, INDEX]), present(guess));
    await get(present(whole ? [WEIGHTS] : weightFiles(folder)));
  }
  cache.keep(id.revision, commit);
  return cached({ ...id, file: gguf, revision: commit }, cache, "the download is not whole");
}

/** A .gguf file, and the other parts of its model. */
function partsOf(path: string): string[] {
  return partPaths(path) ?? [path];
}

/** The files that models begin with, of some .gguf files. */
function firstParts(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => partsOf(path)[0]!))];
}

/** The only .gguf model of a repository without weights in another form. */
function onlyGguf({ repo }: ModelId, files: ReadonlyMap<string, RepoFile>): string | undefined {
  if (files.has(WEIGHTS) || files.has(INDEX)) return undefined;
  const ggufs = firstParts([...files.keys()].filter((path) => path.endsWith(".gguf")));
  if (ggufs.length === 1) return ggufs[0];
  if (ggufs.length > 1) {
    throw new HubError(
      `Cannot load ${repo}: name one of its files: ${ggufs.map((path) => `${repo}/${path}`).join(", ")}`,
    );
  }
  const others = [...files.keys()].filter((path) => /\.(safetensors|bin|pth?|h5|msgpack)$/.test(path));
  throw new HubError(
    `Cannot load ${repo}: it has neither ${WEIGHTS} nor ${INDEX} nor a .gguf file` +
      (others.length > 0 ? `, its weights are in ${others.slice(0, 3).join(", ")}` : ""),
  );
}

/** The names of a folder's weight files, by its index or by their names. */
function weightFiles(folder: string): string[] {
  if (!isFile(`${folder}/${INDEX}`)) return [WEIGHTS];
  return ask(() => {
    const { weight_map } = readJson(`${folder}/${INDEX}`);
    // Names are checked when the checkpoint is opened; here an invalid one counts as missing.
    return [...new Set(Object.values(weight_map as object))].filter((name) => typeof name === "string");
  }) ?? [WEIGHTS];
}

/** The previous download, if it is complete and intact. */
async function cached(id: ModelId, cache: RepoCache, why: string): Promise<string> {
  const commit = cache.commit(id.revision);
  const fail = (what: string) => new HubError(`Cannot load ${id.repo}: ${why}, and ${what}`);
  if (commit === undefined || !isFolder(cache.snapshot(commit))) {
    const at = id.revision === "main" ? "" : ` at ${id.revision}`;
    throw fail(`it has not been downloaded${at} to ${cache.folder}`);
  }
  const folder = cache.snapshot(commit);
  for (const { name } of Deno.readDirSync(folder)) {
    const checksum = cache.checksumOf(commit, name);
    if (checksum === undefined || !isFile(`${folder}/${name}`) || await cache.isIntact(checksum)) continue;
    throw fail(`${folder}/${name} is damaged: it has not the checksum ${checksum}`);
  }
  const missing = (names: string[]) => names.filter((name) => !isFile(`${folder}/${name}`));
  if (id.file !== undefined) {
    const [lacking] = missing(partsOf(id.file));
    if (lacking === undefined) return `${folder}/${id.file}`;
    throw fail(`${folder} lacks ${lacking}`);
  }
  const lacking = missing(["config.json", ...weightFiles(folder)]);
  if (lacking.length === 0) return folder;
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
    name.endsWith(".gguf")
  );
  const ggufs = firstParts(names);
  if (ggufs.length === 1 && missing(partsOf(ggufs[0]!)).length === 0) return `${folder}/${ggufs[0]}`;
  throw fail(`${folder} lacks ${lacking.slice(0, 3).join(", ")}`);
}
