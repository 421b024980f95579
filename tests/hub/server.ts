/**
 * A Hub for tests: the endpoints that downloads and uploads use, as huggingface.co answers them, and faults on demand.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** A file of a repository. Large files are stored elsewhere and reached by a redirect. */
export interface HubFile {
  bytes: Uint8Array;
  lfs?: boolean;
}

/** A repository at one commit. */
export interface HubRepo {
  commit: string;
  branches: Record<string, string>;
  files: Record<string, HubFile>;
  /** Needs an account that accepted the terms. */
  gated?: boolean;
  private?: boolean;
}

/** What goes wrong with one request: a status, or what happens to the body. */
export type Fault =
  | { status: number; headers?: Record<string, string> }
  | { cutAfter: number }
  | { spoil: true }
  | { extra: number }
  | { noRanges: true }
  | { wrongRange: true }
  | { etag: string };

/** What was asked for. */
export interface Asked {
  method: string;
  path: string;
  range: string | null;
  authorization: string | null;
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const sha1 = (bytes: Uint8Array) =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/** The checksum under which a file is listed and stored. */
export const checksumOf = ({ bytes, lfs }: HubFile): string => lfs ? sha256(bytes) : sha1(bytes);

const json = (value: unknown, init?: ResponseInit) => Response.json(value, init);
const refuse = (status: number, code: string, error = "refused") =>
  json({ error }, { status, headers: { "x-error-code": code, "x-error-message": error } });

/** The Hub and, under another port and so another origin, its storage. */
export class TestHub implements AsyncDisposable {
  readonly repos = new Map<string, HubRepo>();
  /** All requests, those to the storage with "storage" before their path. */
  readonly asked: Asked[] = [];
  /** Faults by the end of a request's path, one for each request that comes. */
  readonly faults = new Map<string, Fault[]>();
  /** Sent files by checksum. */
  readonly stored = new Map<string, Uint8Array>();
  /** Parts of large files larger than this are asked for; all in one when absent. */
  chunkSize?: number;
  /** The account's token; anything may be read without one where a repository is neither gated nor private. */
  token = "hf_test";
  readonly #hub = this.#serve("", (request, url) => this.#answer(request, url));
  readonly #storage = this.#serve("storage", (request, url) => this.#store(request, url));

  /** The address to use as endpoint. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#hub.addr.port}`;
  }

  /** Makes a file fail, once for each fault, in that order. */
  fail(end: string, ...faults: Fault[]): void {
    this.faults.set(end, [...this.faults.get(end) ?? [], ...faults]);
  }

  /** How often something was asked for whose path ends so. */
  count(end: string): number {
    return this.asked.filter(({ path }) => path.endsWith(end)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#hub.shutdown(), this.#storage.shutdown()]);
  }

  #serve(name: string, answer: (request: Request, url: URL) => Response | Promise<Response>) {
    const options = {
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      onError: () => new Response("", { status: 500 }),
    };
    return Deno.serve(options, async (request) => {
      const url = new URL(request.url);
      const { method, headers } = request;
      const path = name + url.pathname;
      this.asked.push({
        method,
        path,
        range: headers.get("range"),
        authorization: headers.get("authorization"),
      });
      const status = this.#take(path, (fault) => "status" in fault);
      if (status && "status" in status) {
        await request.body?.cancel();
        return new Response("busy", status);
      }
      return await answer(request, url);
    });
  }

  /** The next fault of a path, if it is of that kind. */
  #take(path: string, fits: (fault: Fault) => boolean): Fault | undefined {
    for (const [end, faults] of this.faults) {
      if (path.endsWith(end) && faults[0] && fits(faults[0])) return faults.shift();
    }
    return undefined;
  }

  async #answer(request: Request, url: URL): Promise<Response> {
    const path = url.pathname;
    const known = request.headers.get("authorization") === `Bearer ${this.token}`;
    if (path === "/api/repos/create") return this.#create(await request.json(), known);
    const [, api, name] =
      /^(\/api\/models|\/api\/datasets|\/datasets)?\/([^/]+\/[^/]+?)(?:\.git)?\//.exec(path) ?? [];
    const repo = this.repos.get(name!);
    if (!repo || (repo.private && !known)) {
      await request.body?.cancel();
      return refuse(known ? 404 : 401, "RepoNotFound", "Repository not found");
    }
    const rest = path.slice((api ?? "").length + name!.length + 1);
    if (request.method === "POST") {
      if (!known) return refuse(401, "Unauthorized", "Invalid user token.");
      return await this.#receive(request, rest, repo);
    }
    const [, kind, revision, file] = /^\/(revision|tree|resolve)\/([^/]+)\/?(.*)$/.exec(rest) ?? [];
    const commit = repo.branches[decodeURIComponent(revision ?? "")] ?? revision;
    if (commit !== repo.commit) return refuse(404, "RevisionNotFound", "Invalid rev id");
    if (kind === "revision") {
      return json({
        _id: "1",
        id: name,
        sha: commit,
        private: false,
        gated: repo.gated ? "manual" : false,
        likes: 0,
      });
    }
    if (kind === "tree") {
      const deep = url.searchParams.get("recursive") === "true";
      const folder = file === "" ? "" : `${file}/`;
      const listed = Object.entries(repo.files).filter(([path]) =>
        path.startsWith(folder) && (deep || !path.slice(folder.length).includes("/"))
      );
      if (folder !== "" && listed.length === 0) {
        return refuse(404, "EntryNotFound", `${file} does not exist on "${decodeURIComponent(revision!)}"`);
      }
      return json(
        listed.map(([path, file]) => ({
          type: "file",
          path,
          size: file.bytes.length,
          oid: file.lfs ? sha1(utf8(path)) : checksumOf(file),
          ...(file.lfs ? { lfs: { oid: checksumOf(file), size: file.bytes.length, pointerSize: 130 } } : {}),
        })),
      );
    }
    const found = repo.files[file!];
    if (!found) return refuse(404, "EntryNotFound", "Entry not found");
    if (repo.gated && !known) return refuse(401, "GatedRepo", "Access to model is restricted");
    const wrong = this.#take(path, (fault) => "etag" in fault);
    const etag = `"${wrong && "etag" in wrong ? wrong.etag : checksumOf(found)}"`;
    const common = { "x-repo-commit": commit, "accept-ranges": "bytes" };
    if (!found.lfs) return this.#send(request, { path, bytes: found.bytes, headers: { ...common, etag } });
    const location = `http://127.0.0.1:${this.#storage.addr.port}/${name}/${checksumOf(found)}/${file}`;
    const linked = { "x-linked-etag": etag, "x-linked-size": String(found.bytes.length) };
    // A HEAD asks for no more than this.
    return new Response(null, { status: 302, headers: { ...common, ...linked, location } });
  }

  #send(
    request: Request,
    what: { path: string; bytes: Uint8Array; headers?: Record<string, string> },
  ): Response {
    const fault = this.#take(what.path, (fault) => !("status" in fault) && !("etag" in fault));
    let { bytes } = what;
    let from = Number(/^bytes=(\d+)-/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
    const partial = request.headers.has("range") && !(fault && "noRanges" in fault);
    if (fault && "wrongRange" in fault) from--;
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    if (partial) bytes = bytes.slice(from);
    if (fault && "spoil" in fault) bytes = bytes.map((byte) => byte ^ 1);
    if (fault && "extra" in fault) bytes = new Uint8Array(bytes.length + fault.extra);
    const headers = {
      ...what.headers,
      "content-length": String(bytes.length),
      ...(partial ? { "content-range": range } : {}),
    };
    let body: BodyInit | null = request.method === "HEAD" ? null : bytes.slice();
    if (fault && "cutAfter" in fault) {
      const sent = bytes.slice(0, fault.cutAfter);
      body = new ReadableStream({
        start(out) {
          if (sent.length > 0) out.enqueue(sent);
        },
        async pull(out) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          out.error(new Error("cut"));
        },
      });
    }
    return new Response(body, { status: partial ? 206 : 200, headers });
  }

  async #store(request: Request, url: URL): Promise<Response> {
    const [, org, name, checksum, ...path] = url.pathname.split("/");
    if (request.method === "PUT") {
      const { headers } = request;
      // As S3 has it: the length must be said before.
      if (!headers.has("content-length")) return new Response("length", { status: 411 });
      const bytes = await request.bytes();
      const part = url.searchParams.get("part");
      this.stored.set(part === null ? checksum! : `${checksum}/${part}`, bytes);
      return new Response(null, { headers: { etag: `"${sha256(bytes)}"` } });
    }
    if (request.method === "POST") {
      const { parts } = await request.json() as { parts: { partNumber: number; etag: string }[] };
      const all = parts.map(({ partNumber, etag }) => {
        const bytes = this.stored.get(`${checksum}/${partNumber}`)!;
        if (etag !== `"${sha256(bytes)}"`) throw new Error("wrong etag");
        return bytes;
      });
      this.stored.set(checksum!, await new Response(new Blob(all as BlobPart[])).bytes());
      return json({});
    }
    const { bytes } = this.repos.get(`${org}/${name}`)!.files[path.join("/")]!;
    return this.#send(request, {
      path: `storage${url.pathname}`,
      bytes,
      headers: { etag: '"of-the-storage"' },
    });
  }

  #create(asked: { organization: string; name: string; visibility?: string }, known: boolean): Response {
    if (!known) return refuse(401, "Unauthorized", "Invalid user token.");
    const name = `${asked.organization}/${asked.name}`;
    if (this.repos.has(name)) return json({ error: "You already created this model repo" }, { status: 409 });
    const commit = "0".repeat(40);
    this.repos.set(name, {
      commit,
      branches: { main: commit },
      files: {},
      private: asked.visibility === "private",
    });
    return json({ url: `${this.endpoint}/${name}`, id: "1" });
  }

  async #receive(request: Request, rest: string, repo: HubRepo): Promise<Response> {
    if (rest.startsWith("/preupload/")) {
      const { files } = await request.json() as { files: { path: string }[] };
      const uploadMode = (path: string) => path.endsWith(".safetensors") ? "lfs" : "regular";
      return json({
        files: files.map(({ path }) => ({ path, uploadMode: uploadMode(path), shouldIgnore: false })),
      });
    }
    if (rest.endsWith("/objects/batch")) {
      const { objects } = await request.json() as { objects: { oid: string; size: number }[] };
      const at = `http://127.0.0.1:${this.#storage.addr.port}/a/b`;
      const upload = ({ oid, size }: { oid: string; size: number }) => {
        if (this.stored.has(oid)) return {};
        const { chunkSize } = this;
        if (chunkSize === undefined) return { actions: { upload: { href: `${at}/${oid}` } } };
        const parts = Array.from({ length: Math.ceil(size / chunkSize) }, (_, i) => i + 1);
        const header = Object.fromEntries(parts.map((part) => [String(part), `${at}/${oid}?part=${part}`]));
        return {
          actions: { upload: { href: `${at}/${oid}`, header: { ...header, chunk_size: String(chunkSize) } } },
        };
      };
      return json({
        transfer: "basic",
        objects: objects.map((object) => ({ ...object, ...upload(object) })),
      });
    }
    const lines = (await request.text()).trim().split("\n").map((line) => JSON.parse(line));
    for (const { key, value } of lines) {
      if (key === "header") repo.commit = sha1(utf8(value.summary + repo.commit));
      else if (key === "file") repo.files[value.path] = { bytes: Uint8Array.fromBase64(value.content) };
      else repo.files[value.path] = { bytes: this.stored.get(value.oid)!, lfs: true };
    }
    repo.branches[rest.split("/").at(-1)!] = repo.commit;
    return json({
      success: true,
      commitOid: repo.commit,
      commitUrl: `${this.endpoint}/commit/${repo.commit}`,
      hookOutput: "",
    });
  }
}

/** The embedded model as a repository, its weights in large file storage, with files that nobody needs. */
export function tinyworldRepo(): HubRepo {
  const folder = new URL("../../models/tinyworld/", import.meta.url);
  const read = (name: string) => Deno.readFileSync(new URL(name, folder));
  const commit = "c0".repeat(20);
  return {
    commit,
    branches: { main: commit, "refs/pr/1": commit },
    files: {
      ...Object.fromEntries(
        ["config.json", "tokenizer.json", "tokenizer_config.json"].map((
          name,
        ) => [name, { bytes: read(name) }]),
      ),
      "model.safetensors": { bytes: read("model.safetensors"), lfs: true },
      "pytorch_model.bin": { bytes: new Uint8Array(1000), lfs: true },
      "original/consolidated.00.pth": { bytes: new Uint8Array(1000), lfs: true },
      "README.md": { bytes: utf8("# a model") },
    },
  };
}

/**
 * What some work fails with, and how often it asked, where each request ends as Deno ends one when an interrupt comes while it
 * makes an error.
 */
export async function interruptedRequests(work: () => Promise<unknown>): Promise<[unknown, number]> {
  const { fetch } = globalThis;
  let asked = 0;
  globalThis.fetch = () => {
    asked++;
    return Promise.reject("Uncaught undefined");
  };
  try {
    const thrown = await work().catch((error) => error);
    return [thrown, asked];
  } finally {
    globalThis.fetch = fetch;
  }
}
