import { assert, assertEquals, assertRejects } from "@std/assert";
import { HubError } from "../../lib/errors.ts";
import { downloadModel } from "../../lib/hub/download_model.ts";
import { pushModel, type PushOptions } from "../../lib/hub/push_model.ts";
import { TestHub, tinyworldRepo } from "./server.ts";

function start() {
  const hub = new TestHub();
  const options: PushOptions = { endpoint: hub.endpoint, token: hub.token, retryDelay: 1 };
  return {
    hub,
    push: (more: Partial<PushOptions> & { repo?: string } = {}, folder = "models/tinyworld") =>
      pushModel(folder, { repo: "org/name", ...options, ...more }),
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}

Deno.test("a folder is pushed in one commit to a repository that is made, and comes back the same", async () => {
  await using test = await start();
  const seen: number[] = [];
  const pushed = await test.push({ private: true, message: "tiny", onProgress: (bytes) => seen.push(bytes) });
  const repo = test.hub.repos.get("org/name")!;
  assert(repo.private);
  assertEquals([repo.commit, Object.keys(repo.files).length], [pushed.commit, pushed.files]);
  assertEquals(seen.at(-1), Deno.statSync("models/tinyworld/model.safetensors").size);

  const cache = await Deno.makeTempDir();
  const { endpoint, token } = test.hub;
  const folder = await downloadModel("org/name", { endpoint, token, cache, offline: false });
  for (const name of Object.keys(tinyworldRepo().files)) {
    if (!/^(config|tokenizer|model)/.test(name)) continue;
    assertEquals(Deno.readFileSync(`${folder}/${name}`), Deno.readFileSync(`models/tinyworld/${name}`), name);
  }
  await Deno.remove(cache, { recursive: true });
});

Deno.test("large files go up in the parts that the storage asks for, again where that fails, and only once", async () => {
  await using test = await start();
  test.hub.chunkSize = 2_000_000;
  const parts = Math.ceil(Deno.statSync("models/tinyworld/model.safetensors").size / 2_000_000);
  test.hub.fail("/preupload/main", { status: 503 });
  const put = () => test.hub.asked.filter(({ method }) => method === "PUT").length;
  await test.push();
  assertEquals(put(), parts);
  const file = test.hub.repos.get("org/name")!.files["model.safetensors"]!;
  assertEquals(file.bytes, Deno.readFileSync("models/tinyworld/model.safetensors"));
  // The repository is there, and so is what it holds.
  await test.push();
  assertEquals(put(), parts);
  for (const { path, authorization } of test.hub.asked) {
    assertEquals(authorization, path.startsWith("storage") ? null : "Bearer hf_test", path);
  }
});

Deno.test("a push that cannot be says why: no token, a wrong one, no name, no model", async () => {
  await using test = await start();
  await assertRejects(() => test.push({ token: "" }), HubError, "set HF_TOKEN");
  const { status } = await assertRejects(
    () => test.push({ token: "hf_wrong" }),
    HubError,
    "permission to write",
  );
  assertEquals(status, 401);
  await assertRejects(() => test.push({ repo: "name" }), HubError, "expected org/name");
  await assertRejects(() => test.push({}, "/no/where"), HubError, "cannot be read");
  await assertRejects(() => test.push({}, "lib"), HubError, "holds no config.json");
  assertEquals(test.hub.asked.every(({ path }) => path === "/api/repos/create"), true);
});
