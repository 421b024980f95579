/**
 * Upload of a folder to the Hugging Face Hub.
 *
 * @module
 */
import { HubError } from "../errors.ts";
import { cutShort } from "../event_loop.ts";
import { leadsOut } from "../files/disk.ts";
import { currentFolder } from "../files/replace_files.ts";
import { FileBlob } from "./file_blob.ts";
import { hubFetch, withoutSecrets } from "./hub_fetch.ts";
import { parseModelId } from "./model_id.ts";
import { type HubOptions, hubSettings } from "./settings.ts";

/** Options of {@linkcode pushModel}. */
export interface PushOptions extends Omit<HubOptions, "cache" | "offline"> {
  /** Whether a new repository is private; an existing one stays as it is. */
  private?: boolean;
  /** The commit message. */
  message?: string;
  /** Called with the bytes sent, the total, and the current step. */
  onProgress?: (bytes: number, total: number, what: string) => void;
}

/** The result of an upload. */
export interface Pushed {
  /** The commit's page. */
  readonly url: string;
  /** The commit. */
  readonly commit: string;
  /** Files. */
  readonly files: number;
  /** Bytes. */
  readonly bytes: number;
}

/**
 * Uploads the files of a saved model to a repository on the Hub in one commit. The repository is created if there is none.
 * Files that it has already, by checksum, are not sent again.
 *
 * @param folder a folder written by {@linkcode saveModel}.
 * @param options.repo "org/name", or "org/name@branch".
 * @throws {HubError} when the folder holds no model, a file in it is a link that leads out of it, or the Hub refuses or cannot be reached.
 *
 * @example
 * ```ts
 * import { pushModel } from "any4/hub";
 * import { Any4Error } from "any4";
 * import { assertRejects } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await assertRejects(
 *   () => pushModel(folder, { repo: "org/name", token: "hf_…" }),
 *   Any4Error,
 *   "holds no config.json",
 * );
 * ```
 */
export async function pushModel(folder: string, options: PushOptions & { repo: string }): Promise<Pushed> {
  const id = parseModelId(options.repo);
  if (!id || id.file !== undefined) {
    throw new HubError(`Cannot push to ${options.repo}: expected org/name or org/name@branch`);
  }
  const { repo, revision: branch } = id;
  const fail = (what: string, cause?: unknown) => new HubError(`Cannot push to ${repo}: ${what}`, { cause });
  const files = listFolder(folder, fail);
  const settings = hubSettings(options);
  if (!settings.token) {
    throw fail(`set HF_TOKEN to a token with permission to write, ${settings.endpoint}/settings/tokens`);
  }

  const total = files.reduce((sum, { blob }) => sum + blob.size, 0);
  // Bytes of each request: several run at a time, and one may be sent again.
  const parts = new Map<FileBlob, number>();
  const report = (what: string) => {
    options.onProgress?.(parts.values().reduce((sum, bytes) => sum + bytes, 0), total, what);
  };
  const ask = hubFetch(settings, { verb: "push to", repo });
  // Bytes sent from a file are counted as they are read.
  const counting: typeof fetch = (input, init) => {
    if (init?.body instanceof FileBlob) {
      const body: FileBlob = init.body.counted((bytes, name) => {
        parts.set(body, bytes);
        report(name);
      });
      return ask(input, { ...init, body });
    }
    return ask(input, init);
  };
  const asked = { repo, hubUrl: settings.endpoint, fetch: counting };
  const hub = await import("npm:@huggingface/hub@2.17.5");
  try {
    try {
      const visibility = options.private ? "private" : undefined;
      // The library requires a token of this form; hubFetch replaces it by the real one.
      await hub.createRepo({ ...asked, visibility, accessToken: "hf_" });
    } catch (error) {
      // 409: it exists already.
      if (!(error instanceof HubError && error.status === 409)) throw error;
    }
    const commits = hub.commitIter({
      ...asked,
      branch,
      title: options.message ?? "Upload a model with any4-deno",
      operations: files.map(({ path, blob }) => ({ operation: "addOrUpdate", path, content: blob })),
      // Large files go to storage by plain HTTP, which the Hub takes for every repository.
      useXet: false,
    });
    for (let step = await commits.next();; step = await commits.next()) {
      if (step.done) {
        if (!step.value) throw fail("the Hub made no commit");
        const { oid, url } = step.value.commit;
        return { url, commit: oid, files: files.length, bytes: total };
      }
      if (step.value.event === "phase") report(PHASES[step.value.phase]);
      else if (step.value.state === "error") throw fail(`${step.value.path} could not be sent`);
    }
  } catch (cause) {
    if (cause instanceof HubError || cutShort(cause)) throw cause;
    throw fail(withoutSecrets((cause as Error).message, settings));
  }
}

const PHASES = {
  preuploading: "asking what to send",
  uploadingLargeFiles: "checksums",
  committing: "committing",
} as const;

/** The folder's own files, without hidden ones and those in subfolders. */
function listFolder(model: string, fail: (what: string, cause?: unknown) => HubError) {
  const files: { path: string; blob: FileBlob }[] = [];
  const folder = currentFolder(model);
  try {
    for (const { name } of Deno.readDirSync(folder)) {
      const path = `${folder}/${name}`;
      const elsewhere = leadsOut(folder, name);
      if (elsewhere !== undefined) throw fail(`${path} is a link to ${elsewhere}, outside of the folder`);
      if (!name.startsWith(".") && !name.endsWith(".part") && Deno.statSync(path).isFile) {
        files.push({ path: name, blob: FileBlob.of(path) });
      }
    }
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    throw fail(`${folder} cannot be read: ${(cause as Error).message}`, cause);
  }
  if (!files.some(({ path }) => path === "config.json")) throw fail(`${folder} holds no config.json`);
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}
