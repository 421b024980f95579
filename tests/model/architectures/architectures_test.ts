/**
 * Every architecture against transformers, on tiny checkpoints with random weights (tests/golden/make_tiny_models.py).
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { any4, calibrate, ConfigError, isPacked, loadModel, saveModel } from "any4";
import { relativeError } from "../../../lib/measure/layer_error.ts";
import { SafetensorsFile } from "../../../lib/files/safetensors/read.ts";
import { writeSafetensors } from "../../../lib/files/safetensors/write.ts";
import { architectures, layoutOf } from "../../../lib/model/architectures/mod.ts";
import { tensorsOf } from "../../../lib/model/decoder/layout.ts";
import { parseConfig } from "../../../lib/model/architectures/parse_config.ts";
import { assertGolden, assertSameText, golden, load, logitsOf, names, root } from "../../tiny_models.ts";

const loadFolder = (folder: string) => loadModel(folder, { backend: "wasm", activations: "f32" });

/** Runs with a new folder, which is gone afterwards. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("there is a tiny checkpoint of every architecture", () => {
  const types = names.map((name) =>
    JSON.parse(Deno.readTextFileSync(`${root}/${name}/config.json`)).model_type
  );
  assertEquals([...new Set(types)].sort(), [...architectures.keys()].sort());
});

for (const backend of ["plain", "wasm"] as const) {
  for (const name of names) {
    Deno.test(
      `${name} on ${backend}: transformers' logits, in one go and token by token`,
      () => assertGolden(name, backend),
    );
  }
}

Deno.test("every architecture continues a text on wasm as on plain", () => assertSameText("wasm"));

/** Names and shapes of a folder's tensors. */
function shapes(folder: string): Record<string, readonly number[]> {
  using file = SafetensorsFile.open(`${folder}/model.safetensors`);
  return Object.fromEntries([...file.names()].sort().map((name) => [name, file.info(name).shape]));
}

for (const name of names) {
  Deno.test(`${name}: any4 loads again bit for bit, and exports what it was made of`, async () => {
    using model = await load(name, "wasm");
    const { tokens } = golden(name);
    const calibration = await calibrate(model, { text: "Once upon a time, a {quick} fox: 1 + 2 = 3?" });
    assertEquals([...calibration.keys()].sort(), model.linears().sort());
    const small = await any4(model, { groupSize: 16, calibration });
    for (const linear of model.linears()) {
      assert(isPacked(small.weights(linear)), linear);
      assertEquals(calibration.get(linear)!.meanSquare.length, small.weights(linear).cols);
    }
    await inFolder(async (folder) => {
      await saveModel(small, folder);
      using again = await loadFolder(folder);
      assertEquals([...again.tensors.keys()].sort(), [...small.tensors.keys()].sort());
      for (const [name, tensor] of small.tensors) assertEquals(again.tensors.get(name), tensor, name);
      assertEquals(await logitsOf(again, tokens), await logitsOf(small, tokens));
    });
    await inFolder(async (folder) => {
      await saveModel(small, folder, { dequantized: true });
      assertEquals(shapes(folder), shapes(`${root}/${name}`));
      using plain = await loadFolder(folder);
      // Values are rounded to BF16, whose steps are 2⁻⁸; and now and then that sends a token to another expert.
      const most = name === "mixtral" ? 0.3 : 0.05;
      assertLess(relativeError(await logitsOf(plain, tokens), await logitsOf(small, tokens)), most);
    });
    await inFolder(async (folder) => {
      await saveModel(model, folder);
      assertEquals(shapes(folder), shapes(`${root}/${name}`));
      using same = await loadFolder(folder);
      assertEquals(await logitsOf(same, tokens), await logitsOf(model, tokens));
    });
  });
}

Deno.test("an expert is calibrated by the tokens that went to it, or by all where none did", async () => {
  using model = await load("mixtral", "plain");
  // One token goes to two of four experts in each layer.
  const stats = await calibrate(model, { text: "a" });
  const tokens = new Set<number>();
  for (const layer of [0, 1]) {
    for (const part of ["w1", "w2", "w3"]) {
      for (let expert = 0; expert < 4; expert++) {
        const entry = stats.get(`model.layers.${layer}.block_sparse_moe.experts.${expert}.${part}`)!;
        tokens.add(entry.tokens);
        assert(entry.meanSquare.some((value) => value > 0));
      }
    }
  }
  assertEquals([...tokens], [1]);
  const long = await calibrate(model, { text: "The quick brown fox jumps over the lazy dog. 0123456789" });
  const seen = [0, 1, 2, 3].map((e) => long.get(`model.layers.0.block_sparse_moe.experts.${e}.w1`)!.tokens);
  assertEquals(seen.reduce((a, b) => a + b), 2 * 55);
});

Deno.test("experts and fused Linears are calibrated one after another too", async () => {
  for (const name of ["mixtral", "gpt_neox", "phi3"]) {
    using model = await load(name, "wasm");
    const small = await any4(model, { groupSize: 16, sequential: true, calibration: "ab" });
    assert(small.linears().every((linear) => isPacked(small.weights(linear))));
  }
});

Deno.test("checkpoints whose names begin otherwise are found", async () => {
  await inFolder(async (folder) => {
    // As OpenAI's GPT-2 is on the Hub.
    using file = SafetensorsFile.open(`${root}/gpt2/model.safetensors`);
    const tensors = [...file.names()].map((name) => ({
      ...file.info(name),
      name: name.replace("transformer.", ""),
      data: () => file.read(name),
    }));
    writeSafetensors(`${folder}/model.safetensors`, tensors);
    for (const name of ["config.json", "tokenizer.json"]) {
      await Deno.copyFile(`${root}/gpt2/${name}`, `${folder}/${name}`);
    }
    using model = await loadFolder(folder);
    assertEquals(model.linears()[0], "h.0.attn.c_attn");
    const { tokens, logits } = golden("gpt2");
    assertLess(relativeError(await logitsOf(model, tokens), logits), 1e-4);
  });
});

Deno.test("attention that slides sees no more than its window", async () => {
  using model = await load("mistral", "wasm");
  // Two layers of 7 tokens each: what is more than 12 tokens back is out of reach.
  const { tokens } = golden("mistral");
  const other = tokens.map((token, i) => i < 11 ? token % 50 + 4 : token);
  const vocab = model.config.vocab_size;
  const [a, b] = [await logitsOf(model, tokens), await logitsOf(model, other)];
  assertLess(relativeError(a.slice(-vocab), b.slice(-vocab)), 1e-6);
  assert(relativeError(a.slice(11 * vocab, 12 * vocab), b.slice(11 * vocab, 12 * vocab)) > 1e-3);
});

const data = Deno.env.get("ANY4_DATA");

Deno.test({
  name: `Llama 3 8B's tensors are those that its index lists${
    data ? "" : " (ignored: ANY4_DATA is not set)"
  }`,
  ignore: !data,
  fn() {
    const index = JSON.parse(
      Deno.readTextFileSync(`${data}/configs/Meta-Llama-3-8B.model.safetensors.index.json`),
    );
    const config = parseConfig({
      model_type: "llama",
      hidden_size: 4096,
      intermediate_size: 14336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      vocab_size: 128256,
    }, "config.json");
    const places = [...tensorsOf(layoutOf(config, () => true))].filter(({ optional }) => !optional);
    assertEquals(places.map(({ name }) => name).sort(), Object.keys(index.weight_map).sort());
    // Two bytes a weight.
    const weights = places.reduce((sum, { rows, cols }) => sum + rows * cols, 0);
    assertEquals(2 * weights, index.metadata.total_size);
  },
});

Deno.test("an architecture that is not known is an error that lists those that are", () => {
  const error = assertThrows(() => parseConfig({ model_type: "bloom" }, "config.json"), ConfigError, "bloom");
  for (const type of architectures.keys()) assert(error.message.includes(type));
  assert(error.message.includes("lib/model/architectures"));
});
