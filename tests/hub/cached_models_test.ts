import { assertEquals, assertThrows } from "@std/assert";
import { InterruptedError } from "any4";
import { cachedModels, downloadModel, starterModels } from "any4/hub";
import { architectures } from "../../lib/model/architectures/mod.ts";
import { TestHub, utf8 } from "./server.ts";

const commit = "a".repeat(40);

Deno.test("cachedModels() lists what downloadModel() has brought, and nothing of what is no model", async () => {
  await using hub = new TestHub();
  const cache = await Deno.makeTempDir();
  const files = {
    "config.json": { bytes: utf8('{"model_type":"llama"}') },
    "model.safetensors": { bytes: new Uint8Array(1000), lfs: true },
  };
  hub.repos.set("org/name", { commit, branches: { main: commit }, files });
  await downloadModel("org/name", { cache, endpoint: hub.endpoint, token: "" });
  const folder = `${cache}/models--org--name/snapshots/${commit}`;
  const [found, ...others] = cachedModels({ cache });
  assertEquals(others, []);
  assertEquals(found, { id: "org/name", bytes: 1022, architecture: "llama", licence: undefined });

  // As Python's huggingface_hub leaves it: a model card, a data set, a repository without files.
  Deno.writeTextFileSync(`${folder}/README.md`, "---\nlanguage: en\nlicense: apache-2.0\n---\n# Name");
  Deno.mkdirSync(`${cache}/datasets--org--data/snapshots/${commit}`, { recursive: true });
  Deno.mkdirSync(`${cache}/models--org--none/blobs`, { recursive: true });
  assertEquals(cachedModels({ cache }).map(({ id, licence }) => [id, licence]), [["org/name", "apache-2.0"]]);
  await Deno.remove(cache, { recursive: true });
});

Deno.test("cachedModels() lists GGUF files one by one, also those it cannot read", async () => {
  const cache = await Deno.makeTempDir();
  const folder = `${cache}/models--org--many/snapshots/${commit}`;
  Deno.mkdirSync(folder, { recursive: true });
  const golden = new URL("../golden/gguf/", import.meta.url);
  /\.gguf$/.test(name);
  Deno.copyFileSync(new URL("llama.gguf", golden), `${folder}/a.gguf`);
  Deno.writeTextFileSync(`${folder}/b.gguf`, "nothing of the kind");
  const [a, b] = cachedModels({ cache });
  assertEquals([a!.id, b!.id], ["org/many/a.gguf", "org/many/b.gguf"]);
  assertEquals([typeof a!.architecture, b!.architecture, b!.bytes], ["string", undefined, 19]);
  await Deno.remove(cache, { recursive: true });
});

Deno.test("cachedModels() takes no interrupt for a file that cannot be read", async () => {
  const cache = await Deno.makeTempDir();
  const folder = `${cache}/models--org--name/snapshots/${commit}`;
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(`${folder}/config.json`, "{");
  assertEquals(cachedModels({ cache })[0]!.architecture, undefined);
  const { readTextFileSync } = Deno;
  // What Deno throws where an interrupt comes while it makes an error.
  Deno.readTextFileSync = () => {
    throw "Uncaught undefined";
  };
  try {
    assertThrows(() => cachedModels({ cache }), InterruptedError);
  } finally {
    Deno.readTextFileSync = readTextFileSync;
  }
  await Deno.remove(cache, { recursive: true });
});

Deno.test("models to start with are of architectures that are there, by size", () => {
  for (const { id, architecture } of starterModels) {
    assertEquals([id, architectures.has(architecture)], [id, true]);
  }
  const sizes = starterModels.map(({ bytes }) => bytes);
  assertEquals(sizes, sizes.toSorted((a, b) => a - b));
});
