import { assertEquals } from "@std/assert";
import { parseModelId } from "../../lib/hub/model_id.ts";
import { hubSettings } from "../../lib/hub/settings.ts";

const settings = (env: Record<string, string>) => hubSettings({}, (name) => env[name]);

Deno.test("hubSettings() reads the environment as Python's huggingface_hub does", async () => {
  assertEquals(settings({ HOME: "/no" }), {
    endpoint: "https://huggingface.co",
    token: "",
    cache: "/no/.cache/huggingface/hub",
    offline: false,
    retryDelay: 500,
    timeout: 60_000,
  });
  const home = await Deno.makeTempDir();
  Deno.writeTextFileSync(`${home}/token`, "hf_file\n");
  assertEquals(settings({ HF_HOME: home }).token, "hf_file");
  assertEquals(settings({ HF_HOME: home }).cache, `${home}/hub`);
  assertEquals(settings({ HF_HOME: home, HF_TOKEN: "hf_env" }).token, "hf_env");
  assertEquals(settings({ HF_HOME: "/no", HF_TOKEN_PATH: `${home}/token` }).token, "hf_file");
  assertEquals(hubSettings({ token: "" }, () => "hf_env").token, "");
  assertEquals(settings({ HF_HUB_CACHE: "~/c", HF_HOME: home, HOME: "/me" }).cache, "/me/c");
  assertEquals(settings({ XDG_CACHE_HOME: "/x" }).cache, "/x/huggingface/hub");
  assertEquals(settings({ HF_ENDPOINT: "https://hub.example/" }).endpoint, "https://hub.example");
  for (const [value, offline] of [["1", true], ["true", true], ["0", false], ["", false]] as const) {
    assertEquals(settings({ HF_HUB_OFFLINE: value }).offline, offline);
  }
  await Deno.remove(home, { recursive: true });
});

Deno.test("parseModelId() takes names of the Hub and nothing that leads elsewhere", () => {
  const main = { repo: "org/name", revision: "main" };
  assertEquals(parseModelId("org/name"), main);
  assertEquals(parseModelId("org/name@refs/pr/1"), { ...main, revision: "refs/pr/1" });
  assertEquals(parseModelId("org/name/a/b.gguf@v1"), { repo: "org/name", revision: "v1", file: "a/b.gguf" });
  for (
    const name of [
      ...[
        "",
        "name",
        "/org/name",
        "./name",
        "../name",
        "org/",
        "org/name/",
        "a/b/c",
        "org/na me",
        "o--g/name",
      ],
      ...["org/name@", "org/name@../x", "org/name@a//b", "org/name/../x.gguf", "org/-name", "org/name.git"],
    ]
  ) assertEquals(parseModelId(name), undefined, name);
});
