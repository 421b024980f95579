/**
 * Download of one file into the cache, complete and with the right checksum, or not at all.
 *
 * @module
 */
import { Any4Error, HubError } from "../errors.ts";
import { cutShort, interruptible, waitFor } from "../event_loop.ts";
import { newHash, type RepoCache } from "./cache.ts";
import { Alarm, ATTEMPTS, MOST_HOPS, pauseBetween, withoutSecrets } from "./hub_fetch.ts";
import { type RepoKind, repoPath } from "./repo_kind.ts";
import type { HubSettings } from "./settings.ts";

/** A file as the Hub lists it. */
export interface RepoFile {
  /** Its path in the repository. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of its content if it is in large file storage, else its git blob's SHA-1. */
  readonly checksum: string;
}

/** Source and destination of a download. */
export interface Transfer {
  /** "org/name". */
  readonly repo: string;
  /** A model when absent. */
  readonly kind?: RepoKind;
  readonly commit: string;
  readonly cache: RepoCache;
  readonly settings: HubSettings;
  /** Sends requests to the Hub. */
  readonly fetch: typeof fetch;
  /** Called as bytes arrive, with the number of bytes so far. */
  readonly onBytes?: (bytes: number) => void;
}

const CHUNK_BYTES = 2 ** 20;

/**
 * Downloads a file unless its blob is there and intact. A partial download in `blobs/<checksum>.incomplete` is resumed. A lock keeps two
 * programs from downloading the same file at once.
 *
 * @throws {HubError} when the Hub refuses, the connection is cut again and again without a byte in between, or the bytes
 * are twice not those of the checksum.
 */
export async function downloadFile(file: RepoFile, transfer: Transfer): Promise<void> {
  const { cache } = transfer;
  const blob = cache.blob(file.checksum);
  if (!await cache.isIntact(file.checksum)) {
    try {
      Deno.mkdirSync(blob.slice(0, blob.lastIndexOf("/")), { recursive: true });
      using part = await Deno.open(`${blob}.incomplete`, { read: true, write: true, create: true });
      // An interrupt closes the file too, and with it ends the lock.
      await interruptible(async () => {
        await waitFor(part.lock(true));
        // The previous holder of the lock may have finished.
        if (await cache.isIntact(file.checksum)) return;
        await fill(part, file, transfer);
        await waitFor(part.sync());
        await Deno.rename(`${blob}.incomplete`, blob);
        cache.vouch(file.checksum);
      });
    } catch (cause) {
      if (cause instanceof Any4Error) throw cause;
      throw new HubError(`Cannot save ${file.path} of ${transfer.repo}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
  cache.link(file.path, { commit: transfer.commit, checksum: file.checksum });
}

/** A file that grows, and the checksum of what it holds so far. */
class Growing {
  #hash;
  length = 0;

  constructor(readonly part: Deno.FsFile, readonly file: RepoFile) {
    this.#hash = newHash(file.checksum, file.size);
  }

  /** Hashes the bytes that are already there. */
  async resume(): Promise<void> {
    const { size } = await this.part.stat();
    if (size > this.file.size) return await this.clear();
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let read; (read = await this.part.read(chunk)) !== null;) {
      this.#hash.update(chunk.subarray(0, read));
      this.length += read;
    }
  }

  async clear(): Promise<void> {
    await this.part.truncate(0);
    await this.part.seek(0, Deno.SeekMode.Start);
    this.#hash = newHash(this.file.checksum, this.file.size);
    this.length = 0;
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) done += await this.part.write(bytes.subarray(done));
    } catch (cause) {
      // A full disk is not a connection failure.
      throw new HubError(`Cannot save ${this.file.path}: ${(cause as Error).message}`, { cause });
    }
    this.#hash.update(bytes);
    this.length += bytes.length;
  }

  /** The checksum; call it once. */
  digest(): string {
    return this.#hash.digest("hex");
  }
}

async function fill(part: Deno.FsFile, file: RepoFile, transfer: Transfer): Promise<void> {
  const growing = new Growing(part, file);
  await waitFor(growing.resume());
  let wrong = 0;
  for (let attempt = 1;;) {
    const before = growing.length;
    const problem = growing.length === file.size ? undefined : await waitFor(receive(growing, transfer));
    if (growing.length === file.size) {
      const digest = growing.digest();
      if (digest === file.checksum) return;
      await growing.clear();
      // The resumed part may belong to another file or be corrupt: start again from zero, once.
      if (++wrong < 2) continue;
      throw new HubError(
        `Cannot load ${transfer.repo}: ${file.path} does not arrive as it should: expected checksum ${file.checksum}, ` +
          `current checksum is ${digest}`,
      );
    }
    // Slow connections are cut often; only tries without progress count.
    attempt = growing.length > before ? 1 : attempt + 1;
    if (attempt > ATTEMPTS) {
      throw new HubError(
        `Cannot load ${transfer.repo}: ${file.path} was cut off after ${growing.length} of ${file.size} bytes: ` +
          `${problem}. The part that arrived is kept; run the same command again to resume`,
      );
    }
    await pauseBetween(attempt, transfer.settings);
  }
}

/** Appends the rest of the file from the server. Returns the reason if it ended early. */
async function receive(growing: Growing, transfer: Transfer): Promise<string | undefined> {
  const { file } = growing;
  using alarm = new Alarm(transfer.settings.timeout);
  try {
    const response = await request(growing, transfer, alarm.signal);
    // A server without support for ranges starts over.
    if (response.status !== 206) await growing.clear();
    const from = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
    if (response.status === 206 && Number(from) !== growing.length) {
      await response.body?.cancel();
      await growing.clear();
      return `the server sent bytes from ${from} on instead of what was asked for`;
    }
    for await (const bytes of response.body ?? []) {
      alarm.reset();
      if (growing.length + bytes.length > file.size) {
        await growing.clear();
        return `the server sent more than its ${file.size} bytes`;
      }
      await growing.append(bytes);
      transfer.onBytes?.(growing.length);
    }
    return "the connection ended";
  } catch (error) {
    if (error instanceof Any4Error || cutShort(error)) throw error;
    return withoutSecrets((error as Error).message, transfer.settings);
  }
}

/** Requests a file's remaining bytes, through the redirects to its storage. */
async function request(growing: Growing, transfer: Transfer, signal: AbortSignal): Promise<Response> {
  const { repo, kind, commit, settings } = transfer;
  const { path, checksum } = growing.file;
  // Ranges and checksums refer to the stored bytes.
  const headers = new Headers({ "accept-encoding": "identity" });
  if (growing.length > 0) headers.set("range", `bytes=${growing.length}-`);
  let url = new URL(
    `${settings.endpoint}/${repoPath(repo, kind)}/resolve/${commit}/` +
      path.split("/").map(encodeURIComponent).join("/"),
  );
  for (let hop = 0; hop <= MOST_HOPS; hop++) {
    // Redirects are followed by hand, as only the first answer has the checksum.
    const response = await transfer.fetch(url, { headers, redirect: "manual", signal });
    const etag = response.headers.get("x-linked-etag") ?? (hop === 0 ? response.headers.get("etag") : null);
    const named = etag?.replace(/^(W\/)?"|"$/g, "");
    if (named !== undefined && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(named) && named !== checksum) {
      await response.body?.cancel();
      throw new HubError(
        `Cannot load ${repo}: ${path} has changed while it was downloaded: expected checksum ${checksum}, ` +
          `current checksum is ${named}`,
      );
    }
    if (response.status < 300) return response;
    await response.body?.cancel();
    const next = URL.parse(response.headers.get("location") ?? "", url);
    if (!next) throw new HubError(`Cannot load ${repo}: ${path} is redirected to no address`);
    if (url.protocol === "https:" && next.protocol !== "https:") {
      throw new HubError(
        `Cannot load ${repo}: ${path} is stored at ${next.host}, which is not reached by https`,
      );
    }
    url = next;
  }
  throw new HubError(`Cannot load ${repo}: ${path} is redirected more than ${MOST_HOPS} times`);
}
