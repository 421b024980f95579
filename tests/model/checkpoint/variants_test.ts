/**
 * Files of checkpoints that lie otherwise than this library writes them, and load as transformers loads them. Of many more,
 * tests/golden/compare_variants.py and .ts compare the logits.
 *
 * @module
 */
import { assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { CheckpointError, loadModel } from "any4";
import type { BackendName } from "any4/compute";
import { Lcg } from "../../golden/lcg.ts";
import { judge } from "../../golden/compare_variants.ts";
import { writeJson } from "../../../lib/files/json_file.ts";
import { SafetensorsFile } from "../../../lib/files/safetensors/read.ts";
import { type TensorToWrite, writeSafetensors } from "../../../lib/files/safetensors/write.ts";
import { relativeError } from "../../../lib/measure/layer_error.ts";
import { Checkpoint } from "../../../lib/model/checkpoint/checkpoint.ts";

const golden = `${import.meta.dirname}/../../golden`;

type Tensors = Map<string, TensorToWrite>;

/** Runs with a copy of a tiny model whose tensors and config are edited. */
async function edited(
  name: string,
  edit: (tensors: Tensors, config: Record<string, unknown>) => void,
  run: (folder: string) => void | Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using source = SafetensorsFile.open(`${golden}/models/${name}/model.safetensors`);
    const tensors: Tensors = new Map(
      Array.from(source.names(), (tensor) => {
        const bytes = source.read(tensor);
        return [tensor, { ...source.info(tensor), data: () => bytes }];
      }),
    );
    const config = JSON.parse(await Deno.readTextFile(`${golden}/models/${name}/config.json`));
    edit(tensors, config);
    writeJson(`${folder}/config.json`, config);
    await Deno.copyFile(`${golden}/models/${name}/tokenizer.json`, `${folder}/tokenizer.json`);
    writeSafetensors(`${folder}/model.safetensors`, tensors.values());
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Moves a tensor to another name, or copies it. */
function put(tensors: Tensors, from: string, to: string, keep = false): void {
  tensors.set(to, { ...tensors.get(from)!, name: to });
  if (!keep) tensors.delete(from);
}

async function logitsOf(folder: string, backend: BackendName = "plain"): Promise<Float32Array> {
  using model = await loadModel(folder, { backend });
  using file = SafetensorsFile.open(`${golden}/models/llama2/golden.safetensors`);
  const tokens = new Int32Array(file.read("tokens").slice().buffer);
  using session = model.session(tokens.length);
  return await session.forward(tokens, { logits: "all" });
}

/** Fails unless an edited model has transformers' logits of the model itself. */
async function assertSame(name: string, edit: (tensors: Tensors, config: Record<string, unknown>) => void) {
  using file = SafetensorsFile.open(`${golden}/models/${name}/golden.safetensors`);
  const expected = file.readFloat32("logits");
  await edited(name, edit, async (folder) => {
    assertLess(relativeError(await logitsOf(folder), expected), 1e-5, name);
  });
}

/** Tied models, and what their embedding is called. */
const TIED: Readonly<Record<string, string>> = {
  llama3: "model.embed_tokens.weight",
  qwen2: "model.embed_tokens.weight",
  gemma2: "model.embed_tokens.weight",
  gpt2: "transformer.wte.weight",
  opt: "model.decoder.embed_tokens.weight",
  opt_post_norm: "model.decoder.embed_tokens.weight",
  cohere: "model.embed_tokens.weight",
  falcon: "transformer.word_embeddings.weight",
};

Deno.test("a tied model loads whichever copy of its embedding is there, or both", async () => {
  for (const [name, embedding] of Object.entries(TIED)) {
    const { tie_word_embeddings = name !== "llama3" } = JSON.parse(
      await Deno.readTextFile(`${golden}/models/${name}/config.json`),
    );
    if (!tie_word_embeddings) continue;
    await assertSame(name, (tensors) => put(tensors, embedding, "lm_head.weight"));
    await assertSame(name, (tensors) => put(tensors, embedding, "lm_head.weight", true));
  }
});

Deno.test("a tied model whose two copies differ has two tensors, whatever its config says", async () => {
  const turn = (tensors: Tensors) => {
    put(tensors, "model.embed_tokens.weight", "lm_head.weight", true);
    const head = tensors.get("lm_head.weight")!;
    const bytes = (head.data() as Uint8Array).slice().reverse();
    // Reversed bytes of BF16 are no numbers: two by two they are.
    for (let i = 0; i < bytes.length; i += 2) [bytes[i], bytes[i + 1]] = [bytes[i + 1]!, bytes[i]!];
    tensors.set(head.name, { ...head, data: () => bytes });
  };
  let untied = new Float32Array();
  await edited("llama3", (tensors, config) => {
    turn(tensors);
    config.tie_word_embeddings = false;
  }, async (folder) => {
    untied = await logitsOf(folder) as Float32Array<ArrayBuffer>;
  });
  await edited("llama3", turn, async (folder) => assertEquals(await logitsOf(folder), untied));
});

Deno.test("an untied model without a head is an error that names the head", async () => {
  await edited("llama2", (tensors) => tensors.delete("lm_head.weight"), async (folder) => {
    await assertRejects(() => loadModel(folder), CheckpointError, 'Cannot find tensor "lm_head.weight"');
  });
});

Deno.test("names need not begin with the architecture's prefix", async () => {
  for (const name of ["llama2", "gpt2", "gpt_neox", "falcon", "gemma3", "opt"]) {
    await assertSame(name, (tensors) => {
      for (const tensor of [...tensors.keys()]) {
        const short = tensor.replace(name === "opt" ? /^model\./ : /^(model|transformer|gpt_neox)\./, "");
        if (short !== tensor) put(tensors, tensor, short);
      }
    });
  }
});

Deno.test("tensors that nobody needs are left alone, whatever their types, and biases that the config denies too", async () => {
  const extra = (name: string, dtype: "I64" | "BOOL" | "F8_E5M2", bytes: number): TensorToWrite => (
    { name, dtype, shape: [bytes / (dtype === "I64" ? 8 : 1)], data: () => new Uint8Array(bytes).fill(1) }
  );
  await assertSame("llama2", (tensors) => {
    for (
      const tensor of [
        extra("model.layers.0.self_attn.rotary_emb.inv_freq", "F8_E5M2", 8),
        extra("step", "I64", 8),
        extra("model.layers.0.self_attn.q_proj.bias", "BOOL", 32),
      ]
    ) tensors.set(tensor.name, tensor);
  });
});

Deno.test("a config with NaN, infinities, huge numbers and halves of characters, as Python writes them, loads", async () => {
  await assertSame("opt", (_, config) => {
    Object.assign(config, { loss: NaN, most: [Infinity, -Infinity], seed: 2 ** 70, note: "\ud800é" });
  });
});

for (const name of [...Deno.readDirSync(`${golden}/variants`)].map(({ name }) => name).sort()) {
  Deno.test(`${name} has transformers' logits`, async () => {
    const { verdict, detail } = await judge(`${golden}/variants/${name}`);
    assertEquals(verdict, "equal", detail);
  });
}

/** A checkpoint of one weight of codes, and what stands beside it. */
function coded(
  tensors: TensorToWrite[],
  use: (checkpoint: Checkpoint) => void,
  more: Record<string, unknown> = {},
) {
  const folder = Deno.makeTempDirSync();
  try {
    const config = {
      ...{ model_type: "llama", hidden_size: 4, intermediate_size: 8, num_hidden_layers: 1 },
      ...{ num_attention_heads: 2, vocab_size: 3 },
      ...more,
    };
    Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify(config));
    writeSafetensors(`${folder}/model.safetensors`, tensors);
    using checkpoint = Checkpoint.open(folder);
    use(checkpoint);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const floats = (name: string, shape: number[], values: number[]): TensorToWrite => (
  { name, dtype: "F32", shape, data: () => new Uint8Array(Float32Array.from(values).buffer) }
);
const codes = (rows: number, cols: number): TensorToWrite => {
  const random = new Lcg(5);
  const bytes = Int8Array.from({ length: rows * cols }, () => Math.floor(random.next() * 255) - 127);
  return { name: "a.weight", dtype: "I8", shape: [rows, cols], data: () => new Uint8Array(bytes.buffer) };
};

Deno.test("scales are for all of a weight, for each row, or for each block of 128 × 128, those at the edges smaller", () => {
  const [rows, cols] = [130, 260];
  const weight = codes(rows, cols);
  const values = Array.from(new Int8Array((weight.data() as Uint8Array).buffer));
  const perRow = Array.from({ length: rows }, (_, i) => 2 ** (i % 5));
  const blocks = [1, 2, 4, 8, 16, 32];
  const cases: [TensorToWrite, (row: number, col: number) => number][] = [
    [floats("a.weight_scale", [], [0.5]), () => 0.5],
    [floats("a.weight_scale", [1], [0.5]), () => 0.5],
    [floats("a.weight_scale", [rows], perRow), (row) => perRow[row]!],
    [floats("a.weight_scale", [rows, 1], perRow), (row) => perRow[row]!],
    [floats("a.SCB", [rows], perRow.map((scale) => 127 * scale)), (row) => perRow[row]!],
    [
      floats("a.weight_scale_inv", [2, 3], blocks),
      (row, col) => blocks[3 * Math.floor(row / 128) + Math.floor(col / 128)]!,
    ],
  ];
  for (const [scale, at] of cases) {
    coded([weight, scale, floats("a.input_scale", [1], [7])], (checkpoint) => {
      const { data, dtype } = checkpoint.matrix("a.weight", { rows, cols });
      assertEquals(dtype, "F32");
      assertEquals(data, Float32Array.from(values, (code, i) => code * at(Math.floor(i / cols), i % cols)));
      assertEquals(
        checkpoint.rows("a.weight", [129, 3]).data.subarray(cols),
        data.subarray(3 * cols, 4 * cols),
      );
      assertEquals(new Float32Array([...checkpoint.chunks("a.weight")][0]!.slice().buffer), data);
    });
  }
});

Deno.test("codes whose scales are missing, misshapen, double or in unknown company are errors that name them", () => {
  const weight = codes(4, 8);
  const scale = floats("a.weight_scale", [4], [1, 1, 1, 1]);
  const wrong: [TensorToWrite[], string, Record<string, unknown>?][] = [
    [[weight], '"a.weight" of /', {}],
    [[weight], "it is stored as I8, but has no scales: expected weight_scale or weight_scale_inv or SCB"],
    [[weight, floats("a.weight_scale", [5], [1, 1, 1, 1, 1])], "its shape [5] is none of scales of"],
    [[weight, scale, floats("a.SCB", [4], [1, 1, 1, 1])], "more than one scale: SCB and weight_scale"],
    [
      [weight, scale, floats("a.pre_quant_scale", [8], Array(8).fill(1))],
      'what "a.pre_quant_scale" does to it',
    ],
    [[weight, scale, floats("a.weight_zero_point", [4], [0, 0, 1, 0])], '"a.weight_zero_point" is not 0'],
    [
      [{ ...weight, dtype: "F8_E4M3" }],
      "it is stored as F8_E4M3, but has no scales",
      { quantization_config: { quant_method: "fp8" } },
    ],
  ];
  for (const [tensors, message, config] of wrong) {
    assertThrows(() => coded(tensors, () => {}, config), CheckpointError, message);
  }
});

Deno.test("a way of quantizing that is not understood is an error that names it", () => {
  const wrong: [unknown, string][] = [
    [{ quant_method: "gptq" }, "quantization_config.quant_method must be one of any4-deno, fp8, "],
    [{ quant_method: "bitsandbytes", load_in_4bit: true }, "quantization_config.load_in_4bit must be absent"],
    [{ quant_method: "compressed-tensors", transform_config: { a: 1 } }, "transform_config must be absent"],
    [
      { quant_method: "any4-deno" },
      "quantization_config.tensors must be an object, current value is undefined",
    ],
    ["fp8", 'quantization_config must be an object, current value is "fp8"'],
  ];
  for (const [quantization_config, message] of wrong) {
    coded([floats("a", [1], [1])], (checkpoint) => {
      assertThrows(() => checkpoint.layout, Error, message);
    }, { quantization_config });
  }
});
