/**
 * The files of a repository on the Hub, and where it keeps them.
 *
 * @module
 */
import { HubError } from "../errors.ts";
import { cutShort } from "../event_loop.ts";
import { isCommit, isSafePath } from "./cache.ts";
import type { RepoFile } from "./download_file.ts";
import { withoutSecrets } from "./hub_fetch.ts";
import type { RepoKind } from "./repo_kind.ts";
import type { HubSettings } from "./settings.ts";

/** Pages of the list of files, of 1000 each. */
const MOST_PAGES = 100;

/**
 * Lists a repository's files at a revision.
 *
 * @param wanted the repository; `folder` limits the listing to a folder's files, `recursive` says whether it goes deeper.
 * @returns the revision's commit, and files by path.
 * @throws {HubError} when there is no such repository, revision or folder, or the Hub does not answer as it should.
 */
export async function listRepo(
  wanted: { repo: string; kind: RepoKind; revision: string; folder?: string; recursive?: boolean },
  means: { settings: HubSettings; fetch: typeof fetch },
): Promise<{ commit: string; files: Map<string, RepoFile> }> {
  const { kind: type } = wanted;
  const { settings, fetch } = means;
  const asked = { hubUrl: settings.endpoint, fetch: pages(fetch, wanted.repo) };
  // Imported on demand, so that loading folders does not wait for the library.
  const hub = await import("npm:@huggingface/hub@2.17.5");
  let commit = wanted.revision;
  const files = new Map<string, RepoFile>();
  try {
    if (!isCommit(commit)) {
      const one = { name: wanted.repo, revision: commit, ...asked };
      commit = type === "dataset"
        ? (await hub.datasetInfo({ ...one, additionalFields: ["sha"] })).sha
        : (await hub.modelInfo({ ...one, additionalFields: ["sha"] })).sha;
    }
    const listed = hub.listFiles({
      repo: { type, name: wanted.repo },
      revision: commit,
      path: wanted.folder,
      recursive: wanted.recursive,
      ...asked,
    });
    for await (const { type, path, size, oid, lfs } of listed) {
      if (typeof path !== "string" || !isSafePath(path)) {
        throw new HubError(
          `Cannot load ${wanted.repo}: ${settings.endpoint} lists ${
            JSON.stringify(path)
          }, which is no path of a file in it`,
        );
      }
      const checksum = lfs?.oid ?? oid;
      if (type === "file" && checksum) files.set(path, { path, size: lfs?.size ?? size, checksum });
    }
  } catch (cause) {
    if (cause instanceof HubError || cutShort(cause)) throw cause;
    throw new HubError(
      `Cannot load ${wanted.repo}: ${settings.endpoint} does not answer as the Hub does: ${
        withoutSecrets((cause as Error).message, settings)
      }`,
      { cause },
    );
  }
  const odd = ({ checksum, size }: RepoFile) =>
    !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(checksum) || !Number.isSafeInteger(size) || size < 0;
  if (!isCommit(commit) || [...files.values()].some(odd)) {
    throw new HubError(`Cannot load ${wanted.repo}: ${settings.endpoint} does not answer as the Hub does`);
  }
  return { commit, files };
}

/** A `fetch` for questions, as many as a repository of 100,000 files needs, each of them another one. */
function pages(ask: typeof fetch, repo: string): typeof fetch {
  const asked = new Set<string>();
  return (input, init) => {
    const url = String(input instanceof Request ? input.url : input);
    if (asked.has(url) || asked.size >= MOST_PAGES) {
      throw new HubError(
        `Cannot load ${repo}: its list of files ${
          asked.has(url) ? "begins again and again" : `has more than ${MOST_PAGES} pages`
        }`,
      );
    }
    asked.add(url);
    return ask(input, init);
  };
}
