import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CheckpointError, ConfigError, OptionError } from "../../../lib/errors.ts";
import { SafetensorsFile } from "../../../lib/files/safetensors/read.ts";
import type { TensorToWrite } from "../../../lib/files/safetensors/write.ts";
import { Checkpoint } from "../../../lib/model/checkpoint/checkpoint.ts";
import { type CheckpointParts, writeCheckpoint } from "../../../lib/model/checkpoint/write_checkpoint.ts";
import { list } from "../../in_folder.ts";

const CONFIG = {
  model_type: "llama",
  hidden_size: 4,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  vocab_size: 3,
};

/** A tensor of one byte a value, [rows, cols], that counts up from `first`. */
function counting(name: string, shape: number[], first = 0): TensorToWrite {
  const count = shape.reduce((product, n) => product * n, 1);
  return { name, dtype: "U8", shape, data: () => Uint8Array.from({ length: count }, (_, i) => first + i) };
}

const TENSORS = [
  counting("model.embed_tokens.weight", [3, 4]),
  counting("model.norm.weight", [4], 100),
  counting("lm_head.weight", [3, 4], 50),
];

/** Runs with a folder that holds a checkpoint, or nothing. */
function inFolder(parts: Partial<CheckpointParts> | null, use: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    if (parts) writeCheckpoint(folder, { config: CONFIG, tensors: TENSORS, ...parts });
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const INDEX = "model.safetensors.index.json";
const SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;

function editJson(path: string, edit: (json: Record<string, unknown>) => void): void {
  const json = JSON.parse(Deno.readTextFileSync(path));
  edit(json);
  Deno.writeTextFileSync(path, JSON.stringify(json));
}

Deno.test("what is written is read again: config, generation config, tensors, metadata", () => {
  const generationConfig = { temperature: 0.5 };
  inFolder({ generationConfig, metadata: { format: "pt" } }, (folder) => {
    using checkpoint = Checkpoint.open(folder);
    assertEquals(list(folder), ["config.json", "generation_config.json", "model.safetensors"]);
    assertEquals(checkpoint.rawConfig, CONFIG);
    assertEquals(checkpoint.config.head_dim, 2);
    assertEquals(checkpoint.generationConfig, generationConfig);
    assertEquals(checkpoint.names().sort(), TENSORS.map(({ name }) => name).sort());
    for (const { name, dtype, shape, data } of TENSORS) {
      assertEquals([checkpoint.info(name).dtype, checkpoint.info(name).shape], [dtype, shape]);
      assertEquals(checkpoint.read(name), data());
    }
    using file = SafetensorsFile.open(`${folder}/model.safetensors`);
    assertEquals(file.metadata, { format: "pt" });
  });
});

Deno.test("shards hold no more bytes than asked for, unless one tensor has more, and read as one file does", () => {
  const sizes = (folder: string) =>
    list(folder).filter((name) => /\d\.safetensors$/.test(name)).map((name) => {
      using file = SafetensorsFile.open(`${folder}/${name}`);
      return [...file.names()].map((tensor) => file.info(tensor).bytes);
    });
  inFolder({ maxShardBytes: 16 }, (folder) => {
    assertEquals(list(folder), ["config.json", ...SHARDS, INDEX]);
    assertEquals(sizes(folder), [[12, 4], [12]]);
    const index = JSON.parse(Deno.readTextFileSync(`${folder}/${INDEX}`));
    assertEquals(index, {
      metadata: { total_size: 28 },
      weight_map: {
        "model.embed_tokens.weight": SHARDS[0],
        "model.norm.weight": SHARDS[0],
        "lm_head.weight": SHARDS[1],
      },
    });
    using checkpoint = Checkpoint.open(folder);
    for (const { name, data } of TENSORS) assertEquals(checkpoint.read(name), data());
  });
  inFolder({ maxShardBytes: 5 }, (folder) => assertEquals(sizes(folder), [[12], [4], [12]]));
  inFolder({ maxShardBytes: 28 }, (folder) => assert(list(folder).includes("model.safetensors")));
  for (const maxShardBytes of [0, -1, NaN]) {
    assertThrows(() => inFolder({ maxShardBytes }, () => {}), OptionError, `value is ${maxShardBytes}`);
  }
});

Deno.test("matrix() gives float32 of the size asked for; one dimension is one row", () => {
  inFolder({}, (folder) => {
    using checkpoint = Checkpoint.open(folder);
    assertEquals(checkpoint.matrix("model.norm.weight", { rows: 1, cols: 4 }), {
      rows: 1,
      cols: 4,
      data: Float32Array.of(100, 101, 102, 103),
      dtype: "U8",
    });
    assertEquals(checkpoint.matrix("lm_head.weight", { rows: 3, cols: 4 }).data.at(-1), 61);
  });
});

Deno.test("a tensor of another shape is an error that names it, the shape expected and the one found", () => {
  inFolder({}, (folder) => {
    using checkpoint = Checkpoint.open(folder);
    const wrong = (name: string, rows: number, cols: number, message: string) =>
      assertThrows(
        () => checkpoint.matrix(name, { rows, cols }),
        CheckpointError,
        `Cannot use tensor "${name}" of ${folder}: expected shape ${message}`,
      );
    wrong("lm_head.weight", 5, 4, "[5, 4], current shape is [3, 4]");
    wrong("lm_head.weight", 4, 3, "[4, 3], current shape is [3, 4]");
    wrong("lm_head.weight", 1, 12, "[1, 12], current shape is [3, 4]");
    wrong("model.norm.weight", 1, 5, "[5], current shape is [4]");
    wrong("model.norm.weight", 4, 1, "[4, 1], current shape is [4]");
  });
});

Deno.test("a missing tensor is an error that names it, the folder and similar names", () => {
  inFolder({}, (folder) => {
    using checkpoint = Checkpoint.open(folder);
    assert(checkpoint.has("lm_head.weight") && !checkpoint.has("toString"));
    assertThrows(
      () => checkpoint.matrix("lm_head.weights", { rows: 3, cols: 4 }),
      CheckpointError,
      `Cannot find tensor "lm_head.weights" in ${folder}: similar names are "lm_head.weight"`,
    );
  });
});

Deno.test("an index that leads out of its folder, or is otherwise broken, is an error", () => {
  const shards: [unknown, string][] = [
    ["../model.safetensors", 'of the same folder, current value is "../model.safetensors"'],
    ["/etc/passwd", 'current value is "/etc/passwd"'],
    ["sub/a.safetensors", "of the same folder"],
    ["..\\a.safetensors", "of the same folder"],
    ["a.bin", "a .safetensors file"],
    ["", 'current value is ""'],
    [5, "current value is 5"],
    [null, "current value is null"],
    [["a.safetensors"], 'current value is ["a.safetensors"]'],
    ["model-00003-of-00002.safetensors", "model-00003-of-00002.safetensors: "],
  ];
  inFolder({ maxShardBytes: 16 }, (folder) => {
    const path = `${folder}/${INDEX}`;
    for (const [shard, message] of shards) {
      editJson(path, (index) => (index.weight_map as Record<string, unknown>)["lm_head.weight"] = shard);
      assertThrows(() => Checkpoint.open(folder), CheckpointError, message);
    }
    for (const map of [undefined, null, [], "model.safetensors"]) {
      editJson(path, (index) => index.weight_map = map);
      assertThrows(
        () => Checkpoint.open(folder),
        CheckpointError,
        `Cannot read ${path}: weight_map must map`,
      );
    }
    for (const text of ["", "{", "[]", "null", "[".repeat(1e5), "{}{}"]) {
      Deno.writeTextFileSync(path, text);
      assertThrows(() => Checkpoint.open(folder), CheckpointError, `Cannot read ${path}: `);
    }
  });
});

Deno.test("shards say which tensors they have: an index may name others, name the wrong shard, or leave some out", () => {
  inFolder({ maxShardBytes: 16 }, (folder) => {
    editJson(`${folder}/${INDEX}`, (index) => {
      const map = index.weight_map as Record<string, unknown>;
      map["model.rotary_emb.inv_freq"] = SHARDS[0];
      map["model.embed_tokens.weight"] = SHARDS[1];
      delete map["model.norm.weight"];
      map["other"] = SHARDS[0];
      delete index.metadata;
    });
    using checkpoint = Checkpoint.open(folder);
    for (const { name, data } of TENSORS) assertEquals(checkpoint.read(name), data());
    assert(!checkpoint.has("model.rotary_emb.inv_freq"));
    assertThrows(() => checkpoint.read("other"), CheckpointError, `Cannot find tensor "other" in ${folder}`);
  });
});

Deno.test("a shard that is missing or cut off is an error that names it", () => {
  inFolder({ maxShardBytes: 16 }, (folder) => {
    const path = `${folder}/${SHARDS[1]}`;
    Deno.truncateSync(path, Deno.statSync(path).size - 1);
    assertThrows(
      () => Checkpoint.open(folder),
      CheckpointError,
      `Cannot read ${path}: tensor "lm_head.weight"`,
    );
    Deno.removeSync(path);
    assertThrows(() => Checkpoint.open(folder), CheckpointError, `Cannot open ${path}: `);
  });
});

Deno.test("JSON that is no JSON, not UTF-8, too deep, too large or no file is an error", () => {
  inFolder({}, (folder) => {
    const path = `${folder}/config.json`;
    const broken: [string | Uint8Array, string][] = [
      ["", "malformed at character 0: expected a value, found its end"],
      ['{"a": nan}', 'malformed at character 6: expected a value, found "nan}"'],
      ["{'a': 1}", "expected a key"],
      ["[1, 2]", "expected a JSON object"],
      ['{"a":'.repeat(1e5), "nested more than 127 deep"],
      [Uint8Array.of(0x7b, 0xff, 0x7d), "it is not UTF-8"],
      [new Uint8Array(2 ** 24 + 1).fill(0x20), "it has 16777217 bytes, at most 16777216 are read"],
    ];
    for (const [content, message] of broken) {
      Deno.writeFileSync(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
      assertThrows(() => Checkpoint.open(folder), CheckpointError, message);
    }
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    assertThrows(() => Checkpoint.open(folder), CheckpointError, "looked for config.json");
  });
});

Deno.test("config.json and generation_config.json may be wrong in what they say", () => {
  inFolder({}, (folder) => {
    Deno.writeTextFileSync(`${folder}/generation_config.json`, "[]");
    assertThrows(
      () => Checkpoint.open(folder),
      CheckpointError,
      "generation_config.json: expected a JSON object",
    );
    editJson(`${folder}/config.json`, (config) => config.num_hidden_layers = 1e9);
    assertThrows(
      () => Checkpoint.open(folder),
      ConfigError,
      `${folder}/config.json: num_hidden_layers must be`,
    );
  });
});

Deno.test("a folder without a model is an error that says what was looked for and what is there", () => {
  inFolder(null, (folder) => {
    const open = (message: string) => assertThrows(() => Checkpoint.open(folder), CheckpointError, message);
    open(`Cannot open the model ${folder}: looked for config.json, but found nothing`);
    Deno.writeTextFileSync(`${folder}/pytorch_model.bin`, "");
    open("looked for config.json, but the folder has pytorch_model.bin");
    Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify(CONFIG));
    open(`looked for model.safetensors and ${INDEX}, but the folder has config.json, pytorch_model.bin`);
    const missing = () => Checkpoint.open(`${folder}/no`);
    assertStringIncludes(
      assertThrows(missing, CheckpointError).message,
      `the model ${folder}/no: No such file`,
    );
    assertThrows(() => Checkpoint.open(`${folder}/config.json`), CheckpointError, "expected a folder");
  });
});

Deno.test("a broken checkpoint leaves no file open", { sanitizeResources: true }, () => {
  inFolder({ maxShardBytes: 16 }, (folder) => {
    Deno.removeSync(`${folder}/${SHARDS[1]}`);
    assertThrows(() => Checkpoint.open(folder), CheckpointError);
  });
});

Deno.test("a new checkpoint replaces the old one's weights and keeps other files; tokenizers are copied", () => {
  inFolder({ maxShardBytes: 16, generationConfig: {} }, (folder) => {
    Deno.writeTextFileSync(`${folder}/README.md`, "mine");
    inFolder(null, (other) => {
      Deno.writeTextFileSync(`${other}/tokenizer.json`, "{}");
      Deno.writeTextFileSync(`${other}/secret.txt`, "");
      const parts = { config: CONFIG, tensors: TENSORS.slice(0, 1), copyFrom: other };
      writeCheckpoint(folder, { ...parts, generationConfig: null });
    });
    assertEquals(list(folder), ["README.md", "config.json", "model.safetensors", "tokenizer.json"]);
    using checkpoint = Checkpoint.open(folder);
    assertEquals([checkpoint.names(), checkpoint.generationConfig], [["model.embed_tokens.weight"], null]);
  });
});

Deno.test("a checkpoint can be written over the one that its tensors are read from", () => {
  inFolder({}, (folder) => {
    using source = Checkpoint.open(folder);
    const tensors = source.names().map((name) => ({ ...source.info(name), data: () => source.read(name) }));
    writeCheckpoint(folder, { config: CONFIG, tensors, copyFrom: folder, maxShardBytes: 16 });
    using again = Checkpoint.open(folder);
    for (const { name, data } of TENSORS) assertEquals(again.read(name), data());
  });
});

Deno.test("when writing fails, the checkpoint that was there stays and nothing is left behind", () => {
  const failing: TensorToWrite = {
    ...counting("a", [20]),
    data: () => {
      throw new Error("no space left");
    },
  };
  const tensors = [...TENSORS, failing];
  inFolder({ generationConfig: {} }, (folder) => {
    const before = list(folder).map((name) => Deno.readTextFileSync(`${folder}/${name}`));
    const write = (parts: Partial<CheckpointParts>) => () =>
      writeCheckpoint(folder, { config: CONFIG, tensors, maxShardBytes: 16, ...parts });
    assertThrows(write({}), CheckpointError, "no space left");
    assertThrows(write({ config: { ...CONFIG, vocab_size: 0 } }), ConfigError, "vocab_size");
    const twice = [...TENSORS, ...TENSORS];
    assertThrows(write({ tensors: twice }), CheckpointError, 'two tensors "model.embed_tokens.weight"');
    assertEquals(list(folder).map((name) => Deno.readTextFileSync(`${folder}/${name}`)), before);
    const fresh = `${folder}/fresh`;
    assertThrows(() => writeCheckpoint(fresh, { config: CONFIG, tensors }), CheckpointError, "no space left");
    assertEquals(list(folder), ["config.json", "generation_config.json", "model.safetensors"]);
  });
});

Deno.test("what a killed save has left goes with the next one", () => {
  inFolder({}, (folder) => {
    Deno.mkdirSync(`${folder}/.saving/new`, { recursive: true });
    Deno.writeTextFileSync(`${folder}/.saving/new/model.safetensors`, "half");
    Checkpoint.open(folder)[Symbol.dispose]();
    writeCheckpoint(folder, { config: CONFIG, tensors: TENSORS });
    assertEquals(list(folder), ["config.json", "model.safetensors"]);
  });
});
