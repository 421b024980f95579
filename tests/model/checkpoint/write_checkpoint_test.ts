import { assertEquals, assertThrows } from "@std/assert";
import { CheckpointError, OptionError } from "../../../lib/errors.ts";
import { exists } from "../../../lib/files/disk.ts";
import { Checkpoint } from "../../../lib/model/checkpoint/checkpoint.ts";
import { writeCheckpoint } from "../../../lib/model/checkpoint/write_checkpoint.ts";
import { inFolder } from "../../in_folder.ts";

const config = {
  model_type: "llama",
  hidden_size: 4,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  vocab_size: 3,
};
const tensors = [{ name: "a", dtype: "U8" as const, shape: [4], data: () => Uint8Array.of(1, 2, 3, 4) }];

Deno.test("a save that is interrupted while files move into place leaves no config.json, so no model", () => {
  inFolder((folder) => {
    writeCheckpoint(folder, { config, tensors });
    // A folder in the place of a file: it cannot be moved there.
    Deno.mkdirSync(`${folder}/blocked.json/full`, { recursive: true });
    const error = assertThrows(
      () => writeCheckpoint(folder, { config, tensors, texts: { "blocked.json": "{}" } }),
      CheckpointError,
    );
    assertEquals(exists(`${folder}/config.json`), false, error.message);
    assertThrows(() => Checkpoint.open(folder), CheckpointError, "looked for config.json");
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
