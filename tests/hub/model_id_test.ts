import { assertEquals } from "@std/assert";
import { parseModelId } from "../../lib/hub/model_id.ts";

Deno.test("names on the Hub say repository, revision and file", () => {
  assertEquals(parseModelId("org/na.me-1_x"), { repo: "org/na.me-1_x", revision: "main" });
  assertEquals(parseModelId("org/name@refs/pr/1"), { repo: "org/name", revision: "refs/pr/1" });
  assertEquals(parseModelId("org/name/sub/a.gguf@v1"), {
    repo: "org/name",
    revision: "v1",
    file: "sub/a.gguf",
  });
});

Deno.test("what cannot be a name, or would lead out of the cache, is none", () => {
  const wrong = [
    ...[
      "name",
      "a/b/c",
      "./org/name",
      "../name",
      "org/",
      "/name",
      "org/.name",
      "org/name-",
      "-org/name",
      "or g/name",
    ],
    ...[
      "org/na--me",
      "org/na..me",
      "org/name.git",
      "org/name@",
      "org/name@../x",
      "org/name@a//b",
      "org/name@..",
    ],
    ...["org/name/../a.gguf", "org/name/a.safetensors", `org/${"n".repeat(97)}`],
  ];
  assertEquals(wrong.filter((name) => parseModelId(name) !== undefined), []);
});
