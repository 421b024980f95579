import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TestHub } from "../hub/server.ts";
import { pushModel } from "any4/hub";

const root = new URL("../../", import.meta.url);

/** Runs a task as deno.json has it, with its own permissions but for the network: this Hub's address alone, or none. */
async function task(
  name: string,
  args: string[],
  options: { env: Record<string, string>; net: string },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  const command = (tasks[name].command as string).replace(
    /--allow-net='[^']*'/,
    `--allow-net=${options.net}`,
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "--eval", command, ...args],
    cwd: root,
    env: { NO_COLOR: "", ...options.env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("push sends a folder, and any task takes it from the Hub again, then offline", async () => {
  await using hub = new TestHub();
  const home = await Deno.makeTempDir();
  const net = new URL(hub.endpoint).host;
  const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: home, HF_TOKEN: hub.token, HF_HUB_OFFLINE: "" };
  const words = ["The king", "--model", "org/name", "--max-tokens", "3", "--json"];

  // The storage has a port of its own: with leave for the Hub alone, its absence is named.
  const refused = await task("push", ["models/tinyworld", "org/name"], { env, net });
  assertEquals(refused.code, 1);
  assertMatch(
    refused.stderr,
    /^Cannot push to org\/name: .* allow it with --allow-net=127\.0\.0\.1:\d+/,
  );

  const pushed = await task("push", ["models/tinyworld", "org/name"], { env, net: "127.0.0.1" });
  assertEquals([pushed.code, pushed.stderr], [0, ""]);
  assertStringIncludes(pushed.stdout, `${hub.endpoint}/commit/`);

  const spoken = await task("generate", words, { env, net: "127.0.0.1" });
  assertEquals([spoken.code, spoken.stderr], [0, ""]);
  assertEquals(JSON.parse(spoken.stdout).tokens.length, 3);
  const offline = await task("generate", words, {
    env: { ...env, HF_HUB_OFFLINE: "1" },
    net: "nowhere.invalid",
  });
  assertEquals(JSON.parse(offline.stdout).text, JSON.parse(spoken.stdout).text);
  await Deno.remove(home, { recursive: true });
});

Deno.test("start says how much it downloads and where to, and models lists it from then on", async () => {
  await using hub = new TestHub();
  const home = await Deno.makeTempDir();
  await pushModel("models/tinyworld", { repo: "org/name", endpoint: hub.endpoint, token: hub.token });
  const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: home, HF_TOKEN: hub.token, HF_HUB_OFFLINE: "" };
  const options = { env, net: "127.0.0.1" };
  const before = await task("models", [], options);
  assertEquals([before.code, before.stderr], [0, ""]);
  assertStringIncludes(before.stdout, `Nothing is downloaded to ${home}/hub yet.`);
  assertMatch(before.stdout, /^HuggingFaceTB\/SmolLM2-135M +271\u00a0MB +llama +apache-2\.0$/m);

  const words = ["--model", "org/name", "--formats", "int4", "--tokens", "50", "--out", `${home}/r.html`];
  const first = await task("start", words, options);
  assertEquals(first.code, 0, first.stderr);
  assertMatch(first.stderr, /^Downloading org\/name: [67]\.\d+\u00a0MB to .+\/hub$/m);
  assertEquals(first.stdout.includes("task start --model"), false);
  const again = await task("start", words, options);
  assertEquals([again.code, again.stderr.includes("Downloading")], [0, false]);

  const { cached, starters } = JSON.parse((await task("models", ["--json"], options)).stdout);
  assertEquals(cached.map((model: { id: string; architecture: string }) => [model.id, model.architecture]), [
    ["org/name", "llama"],
  ]);
  assertEquals(starters.some((model: { cached: boolean }) => model.cached), false);
  await Deno.remove(home, { recursive: true });
});
