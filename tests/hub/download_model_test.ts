import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { CheckpointError, HubError } from "../../lib/errors.ts";
import { downloadModel, type DownloadOptions } from "../../lib/hub/download_model.ts";
import { linkedName } from "../../lib/model/checkpoint/locate.ts";
import { loadModel } from "../../lib/model/load_model.ts";
import {
  checksumOf,
  type HubFile,
  type HubRepo,
  interruptedRequests,
  TestHub,
  tinyworldRepo,
  utf8,
} from "./server.ts";

/** 300 kB that no two places of are alike. */
const LARGE = Uint8Array.from({ length: 300_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255);
const COMMIT = "ab".repeat(20);

const repo = (files: Record<string, HubFile>, more: Partial<HubRepo> = {}): HubRepo => ({
  commit: COMMIT,
  branches: { main: COMMIT, "refs/pr/1": COMMIT },
  files,
  ...more,
});

const whole = () =>
  repo({ "config.json": { bytes: utf8("{}") }, "model.safetensors": { bytes: LARGE, lfs: true } });

/** A Hub with one repository, and an empty cache. */
async function start(files: HubRepo = whole()) {
  const hub = new TestHub();
  hub.repos.set("org/name", files);
  const cache = await Deno.makeTempDir();
  const options: DownloadOptions = {
    endpoint: hub.endpoint,
    cache,
    token: "",
    offline: false,
    retryDelay: 1,
  };
  return {
    hub,
    cache,
    options,
    folder: `${cache}/models--org--name`,
    get: (more: DownloadOptions = {}, name = "org/name") => downloadModel(name, { ...options, ...more }),
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await Deno.remove(cache, { recursive: true });
    },
  };
}

const weights = (folder: string) => Deno.readFileSync(`${folder}/model.safetensors`);

Deno.test("a model on the Hub loads by its name, and once more without asking for its files", async () => {
  await using test = await start(tinyworldRepo());
  using model = await loadModel("org/name", { ...test.options, quiet: true, backend: "plain" });
  using original = await loadModel("tinyworld", { backend: "plain" });
  assertEquals(model.rawConfig, original.rawConfig);
  assertEquals(model.folder, `${test.folder}/snapshots/${"c0".repeat(20)}`);
  assertEquals(
    [...Deno.readDirSync(model.folder)].map(({ name }) => name).sort(),
    ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
    "nothing that is not needed",
  );
  const before = test.hub.asked.length;
  await test.get();
  assertEquals(test.hub.asked.length - before, 2, "what the branch is at, and the list of files");
});

Deno.test("the cache is laid out as Python's: blobs by checksum, relative links, refs", async () => {
  await using test = await start();
  const { files } = whole();
  const folder = await test.get();
  assertEquals(Deno.readTextFileSync(`${test.folder}/refs/main`), COMMIT);
  for (const [name, file] of Object.entries(files)) {
    assertEquals(Deno.readLinkSync(`${folder}/${name}`), `../../blobs/${checksumOf(file)}`);
    assertEquals(Deno.readFileSync(`${folder}/${name}`), file.bytes);
  }
  assertEquals([...Deno.readDirSync(`${test.folder}/blobs`)].length, 2, "no leftovers");
});

Deno.test("revisions: branches with slashes, commits, and one that is not there", async () => {
  await using test = await start();
  const folder = await test.get({}, "org/name@refs/pr/1");
  assertEquals(Deno.readTextFileSync(`${test.folder}/refs/refs/pr/1`), COMMIT);
  assertEquals(await test.get({}, `org/name@${COMMIT}`), folder);
  await assertRejects(() => test.get({}, "org/name@v9"), HubError, "no such revision");
});

Deno.test("only the shards that the index names are downloaded", async () => {
  const index = {
    weight_map: { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" },
  };
  await using test = await start(repo({
    "config.json": { bytes: utf8("{}") },
    "model.safetensors.index.json": { bytes: utf8(JSON.stringify(index)) },
    "model-00001-of-00002.safetensors": { bytes: LARGE, lfs: true },
    "model-00002-of-00002.safetensors": { bytes: LARGE.slice(5), lfs: true },
    "model-00003-of-00009.safetensors": { bytes: LARGE.slice(6), lfs: true },
    "consolidated.safetensors": { bytes: LARGE.slice(7), lfs: true },
  }));
  const seen: number[] = [];
  const folder = await test.get({ onProgress: (bytes, total) => seen.push(bytes / total) });
  assertEquals([...Deno.readDirSync(folder)].length, 4);
  assertEquals(seen.at(-1), 1);
  for (let i = 1; i < seen.length; i++) assert(seen[i]! > seen[i - 1]! || seen[i] === 1, "progress grows");
});

Deno.test("a connection that is cut is gone on with where it broke", async () => {
  await using test = await start();
  test.hub.fail("/model.safetensors", { cutAfter: 70_000 }, { cutAfter: 0 }, { cutAfter: 70_000 });
  assertEquals(weights(await test.get()), LARGE);
  const ranges = test.hub.asked.filter(({ path }) => /^storage.*model.safetensors/.test(path)).map((
    { range },
  ) => range);
  assertEquals(ranges.length, 4);
  assertEquals(ranges[0], null);
  assert(ranges[3]!.startsWith("bytes=") && ranges[3] !== ranges[1], ranges.join());
});

Deno.test("a download that gave up, or was killed, is gone on with by the next one", async () => {
  await using test = await start();
  const cuts = Array.from({ length: 9 }, () => ({ cutAfter: 0 }));
  test.hub.fail("/model.safetensors", { cutAfter: 100_000 }, ...cuts);
  await assertRejects(() => test.get(), HubError, "run the same command again to resume");
  assertEquals(test.hub.faults.get("/model.safetensors")!.length, 3, "six tries that bring nothing");
  await assertRejects(() => test.get({ offline: true }), HubError, "it has not been downloaded");
  test.hub.faults.clear();
  assertEquals(weights(await test.get()), LARGE);
  assertEquals(test.hub.asked.at(-1)!.range, "bytes=100000-");
});

Deno.test("what was resumed is checked: a file spoilt on the way or on the disk comes again, whole", async () => {
  for (const spoilt of [LARGE.slice(0, 50_000).reverse(), new Uint8Array(400_000), LARGE.slice().reverse()]) {
    await using test = await start();
    Deno.mkdirSync(`${test.folder}/blobs`, { recursive: true });
    const blob = `${test.folder}/blobs/${checksumOf({ bytes: LARGE, lfs: true })}`;
    Deno.writeFileSync(`${blob}.incomplete`, spoilt);
    assertEquals(weights(await test.get()), LARGE);
  }
  await using test = await start();
  test.hub.fail("/model.safetensors", { spoil: true });
  assertEquals(weights(await test.get()), LARGE);
});

Deno.test("wrong bytes twice are an error, and are not kept", async () => {
  await using test = await start();
  test.hub.fail("/model.safetensors", { spoil: true }, { spoil: true });
  await assertRejects(() => test.get(), HubError, "expected checksum");
  assertEquals(weights(await test.get()), LARGE);
  assertEquals(test.hub.asked.at(-1)!.range, null);
});

Deno.test("a file that is another one than was listed is an error that says so", async () => {
  await using test = await start();
  test.hub.fail("/model.safetensors", { etag: "f".repeat(64) });
  await assertRejects(() => test.get(), HubError, "has changed while it was downloaded");
});

Deno.test("a branch that moves between two tries ends at its new commit", async () => {
  await using test = await start();
  const cuts = Array.from({ length: 9 }, () => ({ cutAfter: 0 }));
  test.hub.fail("/model.safetensors", { cutAfter: 100_000 }, ...cuts);
  await assertRejects(() => test.get(), HubError);
  test.hub.faults.clear();
  const moved = "cd".repeat(20);
  const bytes = LARGE.slice().reverse();
  test.hub.repos.set("org/name", {
    ...whole(),
    commit: moved,
    branches: { main: moved },
    files: { ...whole().files, "model.safetensors": { bytes, lfs: true } },
  });
  assertEquals(weights(await test.get()), bytes);
  assertEquals(Deno.readTextFileSync(`${test.folder}/refs/main`), moved);
});

Deno.test("servers that know no ranges, send wrong ones or too much do no harm", async () => {
  await using test = await start();
  test.hub.fail("/model.safetensors", { cutAfter: 9000 }, { noRanges: true });
  assertEquals(weights(await test.get()), LARGE);
  await using wrong = await start();
  wrong.hub.fail("/model.safetensors", { cutAfter: 9000 }, { wrongRange: true }, { extra: 5 });
  assertEquals(weights(await wrong.get()), LARGE);
});

Deno.test("429 and 5xx are tried again, as late as the server asks for", async () => {
  await using test = await start();
  test.hub.fail("/revision/main", { status: 503 }, { status: 429, headers: { "retry-after": "0.2" } });
  test.hub.fail("/config.json", { status: 500 }, { status: 502 }, { status: 504 });
  const began = performance.now();
  assertEquals(weights(await test.get()), LARGE);
  assertLess(199, performance.now() - began);
  assertEquals([test.hub.count("/revision/main"), test.hub.count("/config.json")], [3, 4]);
  await using broken = await start();
  broken.hub.fail("/revision/main", ...Array.from({ length: 6 }, () => ({ status: 503 })));
  await assertRejects(() => broken.get(), HubError, "answered 503");
});

Deno.test("the token goes to the Hub and nowhere else", async () => {
  await using test = await start({ ...whole(), private: true });
  await assertRejects(() => test.get(), HubError, "set HF_TOKEN");
  test.hub.asked.length = 0;
  await test.get({ token: "hf_test" });
  for (const { path, authorization } of test.hub.asked) {
    assertEquals(authorization, path.startsWith("storage") ? null : "Bearer hf_test", path);
  }
});

Deno.test("a gated model says what a person has to do", async () => {
  await using test = await start({ ...whole(), gated: true });
  const { message } = await assertRejects(() => test.get(), HubError);
  assertStringIncludes(message, `Accept its terms at ${test.hub.endpoint}/org/name`);
  assertStringIncludes(message, `${test.hub.endpoint}/settings/tokens and set HF_TOKEN`);
  const wrong = await assertRejects(() => test.get({ token: "hf_other" }), HubError);
  assertStringIncludes(wrong.message, "may not have approved the request yet");
  assertEquals(wrong.status, 401);
  assertEquals(weights(await test.get({ token: "hf_test" })), LARGE);
});

Deno.test("offline, what is there is used and what is not is named", async () => {
  await using test = await start();
  await assertRejects(
    () => test.get({ offline: true }),
    HubError,
    "offline, and it has not been downloaded",
  );
  const folder = await test.get();
  const before = test.hub.asked.length;
  assertEquals(await test.get({ offline: true }), folder);
  assertEquals(await test.get({ offline: true }, `org/name@${COMMIT}`), folder);
  await assertRejects(() => test.get({ offline: true }, "org/name@v2"), HubError, "at v2");
  Deno.removeSync(`${folder}/model.safetensors`);
  await assertRejects(() => test.get({ offline: true }), HubError, "lacks model.safetensors");
  assertEquals(test.hub.asked.length, before);
});

Deno.test("without a connection the last download is used, with a word", async () => {
  await using test = await start();
  const nowhere = { endpoint: "http://127.0.0.1:9" };
  await assertRejects(() => test.get(nowhere), HubError, "127.0.0.1:9 cannot be reached");
  const folder = await test.get();
  const notices: string[] = [];
  assertEquals(await test.get({ ...nowhere, onNotice: (notice) => notices.push(notice) }), folder);
  assertStringIncludes(notices.join(), "Using what was downloaded before");
});

Deno.test("files that Python has downloaded are used: only what lacks is fetched", async () => {
  await using test = await start();
  const { files } = whole();
  const checksum = checksumOf(files["model.safetensors"]!);
  Deno.mkdirSync(`${test.folder}/blobs`, { recursive: true });
  Deno.writeFileSync(`${test.folder}/blobs/${checksum}`, LARGE);
  await test.get();
  assertEquals(test.hub.count("model.safetensors"), 0);
});

Deno.test("two programs that want the same file fetch it once", async () => {
  await using test = await start();
  const folders = await Promise.all([test.get(), test.get(), test.get()]);
  assertEquals(new Set(folders).size, 1);
  assertEquals(test.hub.asked.filter(({ path }) => /^storage.*model.safetensors/.test(path)).length, 1);
});

Deno.test("a repository without weights that can be read says what it has", async () => {
  await using test = await start(
    repo({ "config.json": { bytes: utf8("{}") }, "pytorch_model.bin": { bytes: LARGE } }),
  );
  await assertRejects(() => test.get(), HubError, "its weights are in pytorch_model.bin");
  const gguf = { bytes: LARGE, lfs: true };
  test.hub.repos.set("org/name", repo({ "a.Q4_0.gguf": gguf, "b/b.Q8_0.gguf": gguf }));
  assertEquals(await test.get(), `${test.folder}/snapshots/${COMMIT}/a.Q4_0.gguf`);
  assertEquals(
    await test.get({}, "org/name/b/b.Q8_0.gguf"),
    `${test.folder}/snapshots/${COMMIT}/b/b.Q8_0.gguf`,
  );
  await assertRejects(() => test.get({}, "org/name/c.gguf"), HubError, "no file c.gguf");
  test.hub.repos.set("org/name", repo({ "a.Q4_0.gguf": gguf, "b.Q8_0.gguf": gguf }));
  await assertRejects(() => test.get(), HubError, "org/name/a.Q4_0.gguf, org/name/b.Q8_0.gguf");
});

Deno.test("a GGUF file on the Hub loads as a model", async () => {
  const bytes = Deno.readFileSync("tests/golden/gguf/llama.gguf");
  await using test = await start(repo({ "llama.gguf": { bytes, lfs: true } }));
  for (const name of ["org/name", "org/name/llama.gguf@main"]) {
    using model = await loadModel(name, { ...test.options, quiet: true, backend: "plain" });
    assertEquals([model.config.num_hidden_layers, model.tokenizer.encode("a").length], [2, 2]);
  }
});

Deno.test("of a model in several GGUF files all are downloaded, whichever is named", async () => {
  const part = (i: number) => `q8/m-0000${i}-of-00003.gguf`;
  const gguf = { bytes: LARGE, lfs: true };
  const parts = Object.fromEntries([1, 2, 3].map((i) => [part(i), gguf]));
  const flat = Object.fromEntries(Object.keys(parts).map((path) => [path.slice(3), gguf]));
  await using test = await start(repo({ ...parts, "q8/other.gguf": gguf }));
  for (const i of [2, 1]) {
    const path = `${test.folder}/snapshots/${COMMIT}/${part(i)}`;
    assertEquals(await test.get({}, `org/name/${part(i)}`), path);
    assertEquals(await test.get({ offline: true }, `org/name/${part(i)}`), path);
    assertEquals([...Deno.readDirSync(path.replace(/\/[^/]*$/, ""))].length, 3);
  }
  await Deno.remove(`${test.folder}/snapshots/${COMMIT}/${part(3)}`);
  await assertRejects(
    () => test.get({ offline: true }, `org/name/${part(1)}`),
    HubError,
    "lacks q8/m-00003-of-00003.gguf",
  );

  // Of a repository with one model in parts, that model is meant.
  await using one = await start(repo(flat));
  const first = `${one.folder}/snapshots/${COMMIT}/m-00001-of-00003.gguf`;
  assertEquals([await one.get(), await one.get({ offline: true })], [first, first]);
  await using less = await start(repo({ "m-00001-of-00003.gguf": gguf, "m-00003-of-00003.gguf": gguf }));
  await assertRejects(() => less.get(), HubError, "it has no file m-00002-of-00003.gguf");
});

Deno.test("a path and a name on the Hub are told apart, and what is there comes first", async () => {
  await using test = await start();
  const load = (name: string) => loadModel(name, { ...test.options, quiet: true });
  await assertRejects(() => load("/no/where"), CheckpointError, "there is no such folder");
  await assertRejects(() => load("./no/where"), CheckpointError, "there is no such folder");
  await assertRejects(() => load("nowhere"), CheckpointError, "there is no such folder");
  const { message } = await assertRejects(() => load("no/where"), HubError);
  assertStringIncludes(
    message,
    "there is no folder of that name here, and no such model at http://127.0.0.1",
  );
  const before = test.hub.asked.length;
  using model = await load("models/tinyworld");
  assertEquals([model.name, test.hub.asked.length], ["tinyworld", before]);
  using same = await load("models/tinyworld/");
  assertEquals(same.name, "tinyworld");
  assertEquals(linkedName("models/tinyworld/"), "tinyworld");
  assertEquals(linkedName("org/name@v1"), "org/name");
  await assertRejects(
    () => loadModel("no/where", { ...test.options, endpoint: "http://127.0.0.1:9", quiet: true }),
    HubError,
    "there is no folder or file of that name here either",
  );
});

Deno.test("a server that is no Hub is an error, not a crash", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("<html>"),
  );
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  await assertRejects(
    () => downloadModel("org/name", { endpoint, cache: "/nowhere", token: "", offline: false }),
    HubError,
    "does not answer as the Hub does",
  );
});

Deno.test("downloadModel() takes no interrupt for a Hub that cannot be reached", async () => {
  await using test = await start();
  await test.get();
  const notices: string[] = [];
  const onNotice = (notice: string) => notices.push(notice);
  const found = await interruptedRequests(() => test.get({ onNotice }));
  assertEquals([...found, notices], ["Uncaught undefined", 1, []]);
});
