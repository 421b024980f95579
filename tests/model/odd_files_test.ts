import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { Any4Error, CheckpointError } from "../../lib/errors.ts";
import { isFolder } from "../../lib/files/disk.ts";
import { loadModel } from "../../lib/model/load_model.ts";

const FILES = [
  ...["config.json", "generation_config.json", "model.safetensors", "model.safetensors.index.json"],
  ...["hf_quant_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json"],
  ...[
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "chat_template.json",
  ],
];

/** A file of no use in the place of another. */
const KINDS: Record<string, (path: string) => void> = {
  "a pipe": (path) => void new Deno.Command("mkfifo", { args: [path] }).outputSync(),
  "a device": (path) => Deno.symlinkSync("/dev/zero", path),
  "8 GB of zeros": (path) => {
    Deno.writeTextFileSync(path, "");
    Deno.truncateSync(path, 8e9);
  },
  "a folder": (path) => Deno.mkdirSync(path),
  "a link to itself": (path) => Deno.symlinkSync(path, path),
};

for (const [kind, make] of Object.entries(KINDS)) {
  Deno.test({
    name: `${kind} in the place of any file of a model is an error or is ignored, at once and at little cost`,
    ignore: Deno.build.os === "windows",
    async fn() {
      for (const file of FILES) {
        const folder = await Deno.makeTempDir();
        for (const { name } of Deno.readDirSync("models/tinyworld")) {
          if (isFolder(`models/tinyworld/${name}`)) continue;
          Deno.copyFileSync(`models/tinyworld/${name}`, `${folder}/${name}`);
        }
        // Where it is looked for: an index where there is no whole file, a tokenizer's other files where there is no first.
        if (/index/.test(file)) Deno.removeSync(`${folder}/model.safetensors`);
        if (/model$|vocab|merges/.test(file)) Deno.removeSync(`${folder}/tokenizer.json`);
        try {
          Deno.removeSync(`${folder}/${file}`);
        } catch {
          // Tinyworld has no such file.
        }
        make(`${folder}/${file}`);
        const [started, before] = [performance.now(), Deno.memoryUsage().rss];
        try {
          using model = await loadModel(folder, { backend: "plain" });
          assertEquals(model.linears().length, 28);
        } catch (error) {
          assert(error instanceof Any4Error, `${file}: ${(error as Error).stack}`);
        }
        assertLess(performance.now() - started, 10_000, file);
        assertLess(Deno.memoryUsage().rss - before, 300e6, file);
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

Deno.test("a link that leads out of a model's folder is not followed", async () => {
  const root = await Deno.makeTempDir();
  for (const file of ["tokenizer.json", "model.safetensors", "config.json"]) {
    const folder = `${root}/${file}`;
    await Deno.mkdir(folder);
    for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]) {
      await Deno.copyFile(`models/tinyworld/${name}`, `${folder}/${name}`);
    }
    await Deno.rename(`${folder}/${file}`, `${root}/elsewhere`);
    await Deno.symlink("../elsewhere", `${folder}/${file}`);
    await assertRejects(() => loadModel(folder), CheckpointError, `${file} is a link to`);
    await Deno.remove(`${folder}/${file}`);
    await Deno.rename(`${root}/elsewhere`, `${folder}/${file}.real`);
    await Deno.symlink(`${file}.real`, `${folder}/${file}`);
    using model = await loadModel(folder, { backend: "plain" });
    assertEquals(model.linears().length, 28);
  }
  await Deno.remove(root, { recursive: true });
});
