/**
 * The cache of downloads, in the layout of Python's huggingface_hub, so that both use the same files.
 *
 *     models--org--name/blobs/<checksum>                    what files hold
 *     models--org--name/snapshots/<commit>/config.json      links to blobs
 *     models--org--name/refs/main                           the commit that a branch was at
 *
 * @module
 */
import { HubError } from "../errors.ts";
import type { RepoKind } from "./repo_kind.ts";

/** The part of the cache for one repository. */
export class RepoCache {
  /** Its folder. */
  readonly folder: string;

  /** @param cache the folder of all downloads. @param of "org/name" of a model, or of another kind of repository. */
  constructor(cache: string, of: { repo: string; kind?: RepoKind }) {
    this.folder = `${cache}/${of.kind ?? "model"}s--${of.repo.replaceAll("/", "--")}`;
  }

  /** The folder of a commit's files. */
  snapshot(commit: string): string {
    return `${this.folder}/snapshots/${commit}`;
  }

  /** The path of a file's content, by its checksum. */
  blob(checksum: string): string {
    return `${this.folder}/blobs/${checksum}`;
  }

  /** The commit that a branch or tag was at when it was last downloaded; a commit is itself. */
  commit(revision: string): string | undefined {
    if (isCommit(revision)) return revision;
    try {
      return Deno.readTextFileSync(`${this.folder}/refs/${revision}`).trim();
    } catch {
      return undefined;
    }
  }

  /** Stores the commit of a branch or tag. */
  keep(revision: string, commit: string): void {
    if (isCommit(revision) || this.commit(revision) === commit) return;
    this.#write(`${this.folder}/refs/${revision}`, (path) => Deno.writeTextFileSync(path, commit));
  }

  /** Links a commit's file to an existing blob. */
  link(file: string, to: { commit: string; checksum: string }): void {
    const up = "../".repeat(file.split("/").length + 1);
    this.#write(
      `${this.snapshot(to.commit)}/${file}`,
      (path) => Deno.symlinkSync(`${up}blobs/${to.checksum}`, path),
    );
  }

  /** Makes a file under a temporary name and renames it, as another program may do the same. */
  #write(path: string, make: (path: string) => void): void {
    const part = `${path}.${Deno.pid}.part`;
    try {
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      make(part);
      Deno.renameSync(part, path);
    } catch (cause) {
      throw new HubError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** Whether a revision is a full commit hash. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}
