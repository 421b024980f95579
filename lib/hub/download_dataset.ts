/**
 * Download of a data set's files from the Hugging Face Hub into the cache that Python's huggingface_hub uses too.
 *
 * @module
 */
import { HubError } from "../errors.ts";
import { ask, isFile, isFolder } from "../files/disk.ts";
import { RepoCache } from "./cache.ts";
import { downloadFile } from "./download_file.ts";
import type { DownloadOptions } from "./download_model.ts";
import { hubFetch, unreachable } from "./hub_fetch.ts";
import { listRepo } from "./repo_files.ts";
import { hubSettings } from "./settings.ts";

/** Some files of a data set on the Hub. */
export interface DatasetFiles {
  /** "org/name". */
  readonly repo: string;
  /** A branch, tag or commit. */
  readonly revision: string;
  /** The folder that they are in. */
  readonly folder: string;
  /** Matches their paths below the folder. */
  readonly pattern: RegExp;
}

/**
 * Downloads some files of a data set, unless they are in the cache.
 *
 * @returns their paths in the cache, in the order of their names.
 * @throws {HubError} when there are none, no permission or no connection, or a file arrives with wrong bytes.
 *
 * @example
 * ```ts
 * import { downloadDataset } from "any4/hub";
 * import { HubError } from "any4";
 * import { assertRejects } from "@std/assert";
 *
 * const cache = await Deno.makeTempDir();
 * const wanted = { repo: "org/name", revision: "main", folder: "en", pattern: /json$/ };
 * await assertRejects(() => downloadDataset(wanted, { offline: true, cache }), HubError, "offline");
 * ```
 */
export async function downloadDataset(
  wanted: DatasetFiles,
  options: DownloadOptions = {},
): Promise<string[]> {
  const settings = hubSettings(options);
  const { repo, revision, folder } = wanted;
  const cache = new RepoCache(settings.cache, { repo, kind: "dataset" });
  if (settings.offline) return cached(wanted, { cache, why: "offline" });
  const fetch = hubFetch(settings, { verb: "load", repo, kind: "dataset" });
  try {
    const { commit, files } = await listRepo(
      { repo, kind: "dataset", revision, folder, recursive: true },
      { settings, fetch },
    );
    const found = [...files.values()].filter(({ path }) => wanted.pattern.test(below(path, folder)));
    const total = found.reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    // The last file first: if the first one is there, all are.
    for (const file of found.toSorted((a, b) => a.path < b.path ? 1 : -1)) {
      const onBytes = (bytes: number) => options.onProgress?.(done + bytes, total, file.path);
      await downloadFile(file, { repo, kind: "dataset", commit, cache, settings, fetch, onBytes });
      done += file.size;
    }
    cache.keep(revision, commit);
    return cached({ ...wanted, revision: commit }, { cache, why: `${settings.endpoint} has no such files` });
  } catch (error) {
    if (!(error instanceof HubError) || !unreachable(error)) throw error;
    const before = ask(() => cached(wanted, { cache, why: "" }));
    if (!before) throw error;
    options.onNotice?.(`${error.message}. Using what was downloaded before`);
    return before;
  }
}

const below = (path: string, folder: string) => path.slice(folder.length + 1);

/** The files of a previous download. */
function cached({ repo, revision, folder, pattern }: DatasetFiles, from: {
  cache: RepoCache;
  why: string;
}): string[] {
  const commit = from.cache.commit(revision);
  const root = commit && `${from.cache.snapshot(commit)}/${folder}`;
  const found = root && isFolder(root)
    ? [...filesBelow(root)].filter((path) => pattern.test(below(path, root))).sort()
    : [];
  if (found.length > 0) return found;
  throw new HubError(
    `Cannot load the data set ${repo}: ${from.why}, and ${from.cache.folder} has no file like ` +
      `${folder}/${pattern.source} at ${revision}`,
  );
}

function* filesBelow(folder: string): Iterable<string> {
  for (const { name } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isFolder(path)) yield* filesBelow(path);
    else if (isFile(path)) yield path;
  }
}
