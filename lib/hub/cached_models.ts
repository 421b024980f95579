/**
 * What the cache of downloads has.
 *
 * @module
 */
import { ask, isFile, isFolder } from "../files/disk.ts";
import { GgufFile } from "../files/gguf/file.ts";
import { isCommit, RepoCache } from "./cache.ts";
import { type HubOptions, hubSettings } from "./settings.ts";

/** A model in the cache. */
export interface CachedModel {
  /** Its name, as `loadModel` takes it: "org/name", or "org/name/file.gguf" for each GGUF file. */
  readonly id: string;
  /** Bytes of the files of its newest commit. */
  readonly bytes: number;
  /** `model_type` of config.json, or a GGUF file's architecture; undefined when it cannot be read. */
  readonly architecture?: string;
  /** Its licence, where a model card or a GGUF file says so. */
  readonly licence?: string;
}

/**
 * Lists the models in the cache, which Python's huggingface_hub shares: those of which at least one file is whole.
 *
 * @returns by name; none if there is no cache.
 *
 * @example
 * ```ts
 * import { cachedModels } from "any4/hub";
 * import { assertEquals } from "@std/assert";
 * assertEquals(cachedModels({ cache: await Deno.makeTempDir() }), []);
 * ```
 */
export function cachedModels(options: HubOptions = {}): CachedModel[] {
  const { cache } = hubSettings(options);
  return names(cache).filter((name) => name.startsWith("models--")).flatMap((name) => {
    const repo = name.split("--").slice(1).join("/");
    const folder = snapshotOf(new RepoCache(cache, { repo }));
    return folder === undefined ? [] : modelsIn(folder, repo);
  });
}

/** The names in a folder, sorted; none if there is no such folder. */
function names(folder: string): string[] {
  return isFolder(folder) ? [...Deno.readDirSync(folder)].map(({ name }) => name).sort() : [];
}

/** The folder of the main branch's commit, or of any other that there is. */
function snapshotOf(cache: RepoCache): string | undefined {
  const main = cache.commit("main");
  const commits = names(`${cache.folder}/snapshots`).filter(isCommit);
  const commit = main && commits.includes(main) ? main : commits.at(-1);
  return commit === undefined ? undefined : cache.snapshot(commit);
}

/** The model of a repository's files, and those of its GGUF files. */
function modelsIn(folder: string, repo: string): CachedModel[] {
  const files = names(folder).filter((name) => isFile(`${folder}/${name}`));
  const card = cardLicence(`${folder}/README.md`);
  const bytes = (wanted: readonly string[]) =>
    wanted.reduce((sum, name) => sum + Deno.statSync(`${folder}/${name}`).size, 0);
  const ggufs = files.filter((name) => name.endsWith(".gguf"));
  const rest = files.filter((name) => !name.endsWith(".gguf"));
  const models: CachedModel[] = ggufs.map((name) => {
    const { architecture, licence } = ggufFacts(`${folder}/${name}`);
    return { id: `${repo}/${name}`, bytes: bytes([name]), architecture, licence: licence ?? card };
  });
  if (rest.includes("config.json")) {
    models.unshift({ id: repo, bytes: bytes(rest), architecture: modelType(folder), licence: card });
  }
  return models;
}

function modelType(folder: string): string | undefined {
  const type = ask(() => JSON.parse(Deno.readTextFileSync(`${folder}/config.json`)).model_type);
  return typeof type === "string" ? type : undefined;
}

function ggufFacts(path: string): { architecture?: string; licence?: string } {
  return ask(() => {
    using file = GgufFile.open(path);
    const text = (key: string) => {
      const value = file.metadata[key];
      return typeof value === "string" ? value : undefined;
    };
    return { architecture: text("general.architecture"), licence: text("general.license") };
  }) ?? {};
}

/** The licence in the first lines of a model card, which are YAML. */
function cardLicence(path: string): string | undefined {
  if (!isFile(path)) return undefined;
  const [, front = ""] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(Deno.readTextFileSync(path)) ?? [];
  return /^license:\s*["']?([\w.+-]+)/m.exec(front)?.[1];
}
