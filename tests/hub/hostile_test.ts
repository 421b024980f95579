/**
 * A Hub may be hostile, slow or broken, and a cache spoilt: none of it costs files, secrets, memory or time without end.
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { HubError } from "../../lib/errors.ts";
import { isSafePath } from "../../lib/hub/cache.ts";
import { downloadModel, type DownloadOptions } from "../../lib/hub/download_model.ts";
import { hubFetch } from "../../lib/hub/hub_fetch.ts";
import { pushModel } from "../../lib/hub/push_model.ts";
import { hubSettings } from "../../lib/hub/settings.ts";
import { checksumOf, TestHub, tinyworldRepo } from "./server.ts";

const COMMIT = "ab".repeat(20);
const json = (value: unknown, headers: HeadersInit = {}) => Response.json(value, { headers });
const entry = (path: unknown) => ({ type: "file", path, size: 2, oid: "c".repeat(40) });

/** Downloads from a Hub that answers as it likes; its answer to the question for the commit is right unless `all` is set. */
async function from(
  answer: (request: Request, asked: number) => Response | Promise<Response>,
  { all, ...options }: DownloadOptions & { all?: true } = {},
): Promise<{ error: HubError; asked: number; seconds: number; left: string[] }> {
  const cache = await Deno.makeTempDir();
  let asked = 0;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    if (!all && request.url.includes("/revision/")) return json({ _id: "1", id: "org/name", sha: COMMIT });
    return answer(request, ++asked);
  });
  const started = performance.now();
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  const get = () =>
    downloadModel("org/name", {
      ...{ endpoint, cache: `${cache}/in/hub`, token: "", offline: false, retryDelay: 1, timeout: 100 },
      ...options,
    });
  const error = await assertRejects(get, HubError);
  const seconds = (performance.now() - started) / 1000;
  const left = [...Deno.readDirSync(cache)].map(({ name }) => name);
  await Deno.remove(cache, { recursive: true });
  return { error, asked, seconds, left };
}

Deno.test("a listed path that leads out of its folder is refused, whatever it is for", async () => {
  const bad = [
    "../../precious",
    "/etc/passwd",
    "a/../../b",
    "a//b",
    "./config.json",
    "",
    "a\\..\\b",
    "c:x",
    "a\nb",
  ];
  for (const path of bad) {
    assert(!isSafePath(path), path);
    const { error, left } = await from(() => json([entry("config.json"), entry(path)]));
    assertStringIncludes(error.message, `lists ${JSON.stringify(path)}, which is no path of a file`);
    assertEquals(left, [], "nothing is written");
  }
  for (const path of ["config.json", "a/b.gguf", "with space", "…", "..a"]) assert(isSafePath(path), path);
  assertStringIncludes((await from(() => json([entry(7)]))).error.message, "lists 7");
});

Deno.test("sizes and checksums that are none are refused", async () => {
  for (
    const odd of [{ size: -1 }, { size: 1e300 }, { size: "2" }, { oid: "../x" }, { oid: "c".repeat(50) }]
  ) {
    const { error } = await from(() => json([{ ...entry("config.json"), ...odd }]));
    assertStringIncludes(error.message, "does not answer as the Hub does");
  }
});

Deno.test("a list whose next page is itself, or that never ends, ends after 100 pages at most", async () => {
  const next = (url: string) => ({ link: `<${url}>; rel="next"` });
  const same = await from((request) => json([entry("a")], next(request.url)));
  assertStringIncludes(same.error.message, "begins again and again");
  assertLess(same.asked, 3);
  const endless = await from((request, i) =>
    json([entry(`a${i}`)], next(`${request.url.split("?")[0]}?cursor=${i}`))
  );
  assertStringIncludes(endless.error.message, "more than 100 pages");
  assertLess(endless.asked, 102);
});

/** A body that never ends; how many bytes of it were taken. */
function endless(pause = 0): { body: ReadableStream<Uint8Array<ArrayBuffer>>; sent: () => number } {
  let sent = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(out) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      const bytes = new Uint8Array(pause ? 1 : 2 ** 20).fill(32);
      sent += bytes.length;
      try {
        out.enqueue(bytes);
      } catch {
        // The reader has gone.
      }
    },
  });
  return { body, sent: () => sent };
}

Deno.test("an answer without end is cut at 32 MiB, an error's page at 10 kB, a slow one by time", async () => {
  const long = endless();
  const { error } = await from(() => new Response(long.body), { timeout: 20_000 });
  assertStringIncludes(error.message, "more than 32 MiB");
  assertLess(long.sent(), 50e6);
  const page = endless();
  const refused = await from(() => new Response(page.body, { status: 404 }), { timeout: 20_000 });
  assertEquals(refused.error.status, 404);
  assertLess(page.sent(), 10e6);
  const slow = await from(() => new Response(endless(20).body));
  assertStringIncludes(slow.error.message, "nothing came for 0.1 s");
});

Deno.test("a Hub that does not answer, or stops in the middle of a file, is given up", async () => {
  const waiting: ((response: Response) => void)[] = [];
  const silent = () => new Promise<Response>((resolve) => waiting.push(resolve));
  const free = () => waiting.splice(0).forEach((resolve) => resolve(new Response()));
  const first = from(silent, { all: true });
  const freeing = setInterval(free, 2000);
  const { error, asked } = await first;
  assertStringIncludes(error.message, "cannot be reached: nothing came for 0.1 s");
  assertEquals(asked, 6);
  const file = await from((request) => {
    if (request.url.includes("/tree/")) return json([entry("config.json"), entry("model.safetensors")]);
    return silent();
  });
  assertStringIncludes(file.error.message, "was cut off after 0 of 2 bytes: nothing came for 0.1 s");
  assertLess(file.seconds, 30);
  clearInterval(freeing);
  free();
});

Deno.test("neither the token nor a signature stands in an error", async () => {
  const secret = "hf_verySecretToken";
  const spoken = [
    await from((request) => json({ error: request.headers.get("authorization") }, { status: "403" }), {
      token: secret,
    }),
    await from((request) =>
      new Response(null, {
        status: 403,
        headers: { "x-error-message": `no, ${request.headers.get("authorization")}` },
      }), { token: secret }),
    await from(() => new Response(), { token: `${secret}\nx`, all: true }),
    await from(() => new Response(), { endpoint: `https://user:${secret}@127.0.0.1`, all: true }),
    await from(() => new Response(), { endpoint: "127.0.0.1", all: true }),
    await from((request) => {
      if (request.url.includes("/tree/")) return json([entry("config.json"), entry("model.safetensors")]);
      const location = `http://127.0.0.1:1/file?X-Amz-Signature=${secret}`;
      return new Response(null, { status: 302, headers: { location } });
    }),
  ];
  for (const { error } of spoken) {
    const said = Deno.inspect(error) + JSON.stringify(error) + Deno.inspect(error.cause);
    assert(!said.includes(secret), said);
  }
  assertStringIncludes(spoken[2]!.error.message, "has characters that no token has");
  const repo = { repo: "org/name", endpoint: "http://127.0.0.1:1", token: `${secret}\n`, retryDelay: 1 };
  const pushed = await assertRejects(() => pushModel("models/tinyworld", repo), HubError);
  assert(!Deno.inspect(pushed).includes(secret));
});

Deno.test("questions follow redirects, but not from https to http, nor for ever, and the token stays behind", async () => {
  const seen: [string, string | null][] = [];
  const real = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const url = String(input);
    seen.push([url, new Headers(init?.headers).get("authorization")]);
    if (/^[^?]+\/end$/.test(url)) return Promise.resolve(new Response("there"));
    const to = url.includes("?") ? url.split("?")[1]! : url;
    return Promise.resolve(new Response(null, { status: 302, headers: { location: to } }));
  };
  try {
    const settings = hubSettings({
      endpoint: "https://hub.test",
      token: "hf_x",
      cache: "/no",
      retryDelay: 1,
    });
    const ask = hubFetch(settings, { verb: "load", repo: "org/name" });
    assertEquals(await (await ask("https://hub.test/a?https://other.test/end")).text(), "there");
    assertEquals(seen, [
      ["https://hub.test/a?https://other.test/end", "Bearer hf_x"],
      ["https://other.test/end", null],
    ]);
    const refused = (url: string, what: string, init: RequestInit = {}) =>
      assertRejects(() => ask(url, init), HubError, what);
    await refused("https://hub.test/a?http://hub.test/end", "which is not reached by https");
    await refused("https://hub.test/a?file:///etc/passwd", "redirects to no address");
    await refused("https://hub.test/again", "redirects more than 5 times");
    await refused("https://hub.test/a?https://hub.test/end", "redirects what is sent", {
      method: "POST",
      body: "x",
    });
  } finally {
    globalThis.fetch = real;
  }
});

Deno.test("a spoilt or shortened file in the cache is fetched again, and only that one; offline it is named", async () => {
  await using hub = new TestHub();
  const repo = tinyworldRepo();
  hub.repos.set("org/name", repo);
  const cache = await Deno.makeTempDir();
  const options = { endpoint: hub.endpoint, token: "", cache, offline: false, retryDelay: 1 };
  const folder = await downloadModel("org/name", options);
  const blob = (name: string) => `${cache}/models--org--name/blobs/${checksumOf(repo.files[name]!)}`;
  for (const name of ["config.json", "model.safetensors"]) {
    const whole = repo.files[name]!.bytes;
    const flipped = whole.slice();
    flipped[whole.length >> 1]! ^= 1;
    for (const bytes of [flipped, whole.slice(0, 100), new Uint8Array()]) {
      Deno.writeFileSync(blob(name), bytes);
      const offline = () => downloadModel("org/name", { ...options, offline: true });
      await assertRejects(offline, HubError, `${name} is damaged`);
      const before = hub.count("config.json") + hub.count("model.safetensors");
      assertEquals(await downloadModel("org/name", options), folder);
      assertEquals(Deno.readFileSync(`${folder}/${name}`), new Uint8Array(whole), `${name}, ${bytes.length}`);
      // A large file is asked for at the Hub and then at its storage.
      const requests = hub.count("config.json") + hub.count("model.safetensors") - before;
      assertEquals(requests, name === "config.json" ? 1 : 2);
      assertEquals(await offline(), folder);
    }
  }
  await Deno.remove(cache, { recursive: true });
});

Deno.test("a link that leads out of a model's folder is not pushed", async () => {
  await using hub = new TestHub();
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/model`);
  await Deno.writeTextFile(`${root}/model/config.json`, "{}");
  await Deno.writeTextFile(`${root}/key`, "secret");
  await Deno.symlink("../key", `${root}/model/NOTICE`);
  const push = () =>
    pushModel(`${root}/model`, { repo: "org/name", endpoint: hub.endpoint, token: hub.token, retryDelay: 1 });
  await assertRejects(push, HubError, "NOTICE is a link to");
  assertEquals(hub.asked.length, 0);
  await Deno.remove(`${root}/model/NOTICE`);
  await Deno.symlink("config.json", `${root}/model/NOTICE`);
  assertEquals((await push()).files, 2);
  await Deno.remove(root, { recursive: true });
});
