import { assertEquals, assertThrows } from "@std/assert";
import { CheckpointError, OptionError } from "../../../lib/errors.ts";
import { writeCheckpoint } from "../../../lib/model/checkpoint/write_checkpoint.ts";
import { inFolder, list } from "../../in_folder.ts";

const config = {
  model_type: "llama",
  hidden_size: 4,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  vocab_size: 3,
};
const tensors = [{ name: "a", dtype: "U8" as const, shape: [4], data: () => Uint8Array.of(1, 2, 3, 4) }];

Deno.test("a save that cannot move its files into place leaves the old model as it was", () => {
  inFolder((folder) => {
    writeCheckpoint(folder, { config, tensors });
    const before = list(folder).map((name) => Deno.readTextFileSync(`${folder}/${name}`));
    // A folder in the place of a file: it cannot be moved there.
    Deno.mkdirSync(`${folder}/blocked.json/full`, { recursive: true });
    const blocked = { config: { ...config, vocab_size: 4 }, tensors, texts: { "blocked.json": "{}" } };
    assertThrows(() => writeCheckpoint(folder, blocked), OptionError, "it has blocked.json");
    const forced = { ...blocked, force: true };
    assertThrows(() => writeCheckpoint(folder, forced), CheckpointError, "a folder is in the place");
    Deno.removeSync(`${folder}/blocked.json`, { recursive: true });
    assertEquals(list(folder).map((name) => Deno.readTextFileSync(`${folder}/${name}`)), before);
  });
});

Deno.test("what an older model of ours has left goes: tokenizer, template, card; another's is not overwritten", () => {
  inFolder((folder) => {
    const source = `${folder}/source`;
    const out = `${folder}/out`;
    Deno.mkdirSync(source);
    for (const name of ["tokenizer.json", "chat_template.jinja"]) {
      Deno.writeTextFileSync(`${source}/${name}`, "{}");
    }
    writeCheckpoint(out, {
      config,
      tensors,
      copyFrom: source,
      texts: { "README.md": "old" },
      maxShardBytes: 1,
    });
    assertEquals(list(out).includes("chat_template.jinja"), true);
    writeCheckpoint(out, { config, tensors });
    assertEquals(list(out), ["config.json", "model.safetensors"]);
    assertThrows(
      () => writeCheckpoint(source, { config, tensors }),
      OptionError,
      "it has chat_template.jinja, tokenizer",
    );
    writeCheckpoint(source, { config, tensors, force: true });
    assertEquals(list(source), ["config.json", "model.safetensors"]);
  });
});

Deno.test("files that are links out of a model's folder are not copied", () => {
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/source`);
    Deno.writeTextFileSync(`${folder}/key`, "secret");
    Deno.symlinkSync("../key", `${folder}/source/chat_template.jinja`);
    assertThrows(
      () => writeCheckpoint(`${folder}/out`, { config, tensors, copyFrom: `${folder}/source` }),
      CheckpointError,
      "outside of its folder",
    );
    assertEquals(list(folder), ["key", "source"]);
  });
});

Deno.test("shards of no bytes are refused", () => {
  inFolder((folder) => {
    for (const maxShardBytes of [0, -1, NaN]) {
      assertThrows(
        () => writeCheckpoint(folder, { config, tensors, maxShardBytes }),
        OptionError,
        "maxShardBytes",
      );
    }
  });
});
