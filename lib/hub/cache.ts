/**
 * The cache of downloads, in the layout of Python's huggingface_hub, so that both use the same files.
 *
 *     models--org--name/blobs/<checksum>                    what files hold
 *     models--org--name/snapshots/<commit>/config.json      links to blobs
 *     models--org--name/refs/main                           the commit that a branch was at
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { HubError } from "../errors.ts";
import type { RepoKind } from "./repo_kind.ts";
import { ask, isFile, isSameFile, tryTo } from "../files/disk.ts";

const CHUNK_BYTES = 2 ** 20;
/** Sizes and times of blobs whose checksums are known to be right. */
const CHECKED = ".any4-checked.json";

/** The hash that gives such a checksum: SHA-256, or SHA-1 of a git blob, which begins with its kind and size. */
export function newHash(checksum: string, size: number): Hash {
  return checksum.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

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

  /**
   * Whether a blob is there and has its checksum. It is read for that once, and again when its size or time has changed.
   */
  async isIntact(checksum: string): Promise<boolean> {
    const path = this.blob(checksum);
    if (!isFile(path)) return false;
    if (this.#checked()[checksum] === stampOf(path)) return true;
    const stamp = stampOf(path);
    using file = await Deno.open(path);
    const hash = newHash(checksum, (await file.stat()).size);
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let read; (read = await file.read(chunk)) !== null;) hash.update(chunk.subarray(0, read));
    if (hash.digest("hex") !== checksum) return false;
    this.vouch(checksum, stamp);
    return true;
  }

  /** Remembers that a blob has its checksum. */
  vouch(checksum: string, stamp: string = stampOf(this.blob(checksum))): void {
    const checked = { ...this.#checked(), [checksum]: stamp };
    // Where it cannot be remembered it is computed again.
    tryTo(() =>
      this.#write(
        `${this.folder}/${CHECKED}`,
        (path) => Deno.writeTextFileSync(path, JSON.stringify(checked)),
      )
    );
  }

  #checked(): Record<string, string> {
    let checked: Record<string, string> = {};
    tryTo(() => checked = JSON.parse(Deno.readTextFileSync(`${this.folder}/${CHECKED}`)) ?? {});
    return checked;
  }

  /** The checksum of the blob that a commit's file is a link to; undefined if it is none. */
  checksumOf(commit: string, file: string): string | undefined {
    const path = `${this.snapshot(commit)}/${file}`;
    let name: string | undefined;
    tryTo(() => name = Deno.readLinkSync(path).split(/[/\\]/).at(-1));
    if (name === undefined) {
      const same = ({ name }: Deno.DirEntry) => isSameFile(path, this.blob(name));
      tryTo(() => name = [...Deno.readDirSync(`${this.folder}/blobs`)].find(same)?.name);
    }
    return name !== undefined && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(name) ? name : undefined;
  }

  /** The commit that a branch or tag was at when it was last downloaded; a commit is itself. */
  commit(revision: string): string | undefined {
    if (isCommit(revision)) return revision;
    const commit = ask(() => Deno.readTextFileSync(`${this.folder}/refs/${revision}`).trim());
    return commit !== undefined && isCommit(commit) ? commit : undefined;
  }

  /** Stores the commit of a branch or tag. */
  keep(revision: string, commit: string): void {
    if (isCommit(revision) || this.commit(revision) === commit) return;
    this.#write(`${this.folder}/refs/${revision}`, (path) => Deno.writeTextFileSync(path, commit));
  }

  /** Links a commit's file to an existing blob; where the program may make no symbolic links, by a second name. */
  link(file: string, to: { commit: string; checksum: string }): void {
    const up = "../".repeat(file.split("/").length + 1);
    this.#write(
      `${this.snapshot(to.commit)}/${file}`,
      (path) => {
        try {
          Deno.symlinkSync(`${up}blobs/${to.checksum}`, path);
        } catch (error) {
          // Deno allows them only to programs that may write everywhere; Windows, to few.
          if (!(error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied)) {
            throw error;
          }
          Deno.linkSync(this.blob(to.checksum), path);
        }
      },
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

/** What changes when a file is written to. */
function stampOf(path: string): string {
  const { size, mtime } = Deno.statSync(path);
  return `${size} bytes, ${mtime?.toISOString()}`;
}

/** Whether the path of a listed file stays in its folder, on every system. */
export function isSafePath(path: string): boolean {
  return path.length < 1024 &&
    path.split("/").every((part) => !/^\.{0,2}$/.test(part) && !/[\\:\p{Cc}]/u.test(part));
}

/** Whether a revision is a full commit hash. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}
