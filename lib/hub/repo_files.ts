/**
 * The files of a repository on the Hub, and where it keeps them.
 *
 * @module
 */
import { HubError } from "../errors.ts";
import { isCommit } from "./cache.ts";
import type { RepoFile } from "./download_file.ts";
import type { RepoKind } from "./repo_kind.ts";
import type { HubSettings } from "./settings.ts";

/**
 * Lists a repository's files at a revision.
 *
 * @param wanted the repository; `folder` limits the listing to a folder's files, `recursive` says whether it goes deeper.
 * @returns the revision's commit, and files by path.
 * @throws {HubError} when there is no such repository, revision or folder, or the Hub does not answer as it should.
 */
export async function listRepo(
  wanted: { repo: string; kind: RepoKind; revision: string; folder?: string; recursive?: boolean },
  asked: { settings: HubSettings; fetch: typeof fetch },
): Promise<{ commit: string; files: Map<string, RepoFile> }> {
  const { repo: name, kind: type } = wanted;
  const { endpoint } = asked.settings;
  const options = { hubUrl: endpoint, fetch: asked.fetch };
  // Imported on demand, so that loading folders does not wait for the library.
  const hub = await import("npm:@huggingface/hub@2.17.5");
  let commit = wanted.revision;
  const files = new Map<string, RepoFile>();
  try {
    if (!isCommit(commit)) {
      const asked = { name, revision: commit, ...options };
      commit = type === "dataset"
        ? (await hub.datasetInfo({ ...asked, additionalFields: ["sha"] })).sha
        : (await hub.modelInfo({ ...asked, additionalFields: ["sha"] })).sha;
    }
    const listed = hub.listFiles({
      repo: { type, name },
      revision: commit,
      path: wanted.folder,
      recursive: wanted.recursive,
      ...options,
    });
    for await (const { type, path, size, oid, lfs } of listed) {
      const checksum = lfs?.oid ?? oid;
      if (type === "file" && checksum) files.set(path, { path, size: lfs?.size ?? size, checksum });
    }
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    throw new HubError(
      `Cannot load ${name}: ${endpoint} does not answer as the Hub does: ${(cause as Error).message}`,
      { cause },
    );
  }
  if (!isCommit(commit) || [...files.values()].some(({ checksum }) => !/^[0-9a-f]{40,64}$/.test(checksum))) {
    throw new HubError(`Cannot load ${name}: ${endpoint} does not answer as the Hub does`);
  }
  return { commit, files };
}
