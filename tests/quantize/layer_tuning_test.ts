import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { isPacked, loadModel, OptionError, quantizeModel, quantizeOnDisk } from "any4";
import { compare, referenceLogits } from "any4/measure";
import { Units } from "any4/quantize";
import { makeSynthetic } from "../../bench/make_synthetic.ts";
import { documents } from "../../models/tinyworld/generator.ts";
import { LayerPass } from "../../lib/quantize/layer_pass.ts";
import { run } from "../../lib/quantize/pipeline.ts";
import { MemoryStore } from "../../lib/quantize/store.ts";
import { piecesOf } from "../../lib/quantize/tuning_text.ts";
import { hashOf } from "../golden/hash_quantized.ts";
import { load, root } from "../tiny_models.ts";

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const tiny = `${folder}/tiny`;
makeSynthetic(tiny, "tiny");

const text = "One day a girl found a key near the old well. She did not know which door it would open. ";
const calibration = [text, text.repeat(3)];
const options = {
  format: "any2",
  groupSize: 32,
  method: "lnq",
  sequential: true,
  calibration,
  backend: "wasm",
  tuneBlocks: { epochs: 2, batchTokens: 32, window: 20, rate: 0.02 },
} as const;

Deno.test("a tuned model is nearer to the original than one that is not, on text that it was not tuned on", async () => {
  using model = await loadModel("tinyworld", { backend: "wasm" });
  const reference = await referenceLogits(model, { maxTokens: 300 });
  const kl: number[] = [];
  const calibration = Array.from(documents({ seed: 5, count: 12 }), ({ text }) => text);
  for (const tuneBlocks of [false, { epochs: 1, batchTokens: 128, rate: 0.001 }]) {
    using small = await quantizeModel(model, { format: "any2", calibration, tuneBlocks });
    kl.push((await compare(small, reference)).kl);
  }
  assertLess(kl[1]!, 0.95 * kl[0]!);
});

Deno.test("a model tuned on disk is the one tuned in memory, also when it is killed in between", async () => {
  using model = await loadModel(tiny, { backend: "wasm" });
  using expected = await quantizeModel(model, options);
  using untuned = await quantizeModel(model, { ...options, tuneBlocks: false });
  assert(hashOf(untuned) !== hashOf(expected));
  const out = `${folder}/out`;
  // Killed within a layer's Linears, and within the tuning of another.
  for (const at of [["quantizing", 12], ["tuning", 7]] as const) {
    let seen = 0;
    await assertRejects(
      () =>
        quantizeOnDisk(tiny, out, {
          ...options,
          onProgress: ({ phase }) => {
            if (phase === at[0] && ++seen === at[1]) throw new TypeError("killed");
          },
        }),
      TypeError,
      "killed",
    );
  }
  await quantizeOnDisk(tiny, out, options);
  using read = await loadModel(out, { backend: "wasm" });
  assertEquals(hashOf(read), hashOf(expected));
  const norm = read.tensors.get("model.layers.1.input_layernorm.weight")!;
  assert(!isPacked(norm) && norm.dtype === "BF16");
});

Deno.test("layers are tuned on what those tuned before give, towards what the original's give", async () => {
  using model = await loadModel(tiny, { backend: "wasm" });
  const store = new MemoryStore();
  await run(model, store, options);
  using small = await quantizeModel(model, options);
  const pieces = piecesOf(model, { ...options.tuneBlocks, text: calibration });
  const given = await Promise.all([model, small].map(async (source) => {
    const pass = await LayerPass.begin(source, { pieces });
    while (pass.layer < model.config.num_hidden_layers) {
      using part = source.part(pass.layer);
      await pass.advance(part);
    }
    return [...pass.state.hidden];
  }));
  assertEquals(store.get("pass", "tuning"), {
    layer: model.config.num_hidden_layers,
    hidden: Float32Array.from(given.flat()),
  });
});

Deno.test("biases and transposed Linears are tuned and saved too", async () => {
  using model = await load("gpt2", "wasm");
  const tuneBlocks = { epochs: 2, rate: 0.02 };
  const how = { format: "any2", groupSize: 16, calibration: text.repeat(9), tuneBlocks } as const;
  using expected = await quantizeModel(model, how);
  const out = `${folder}/gpt2`;
  await quantizeOnDisk(`${root}/gpt2`, out, { ...how, backend: "wasm" });
  using read = await loadModel(out, { backend: "wasm" });
  assertEquals(hashOf(read), hashOf(expected));
  const bias = "transformer.h.1.mlp.c_fc.bias";
  const data = (of: typeof model) => (of.tensors.get(bias) as { data: Float32Array }).data;
  assert(data(read).some((value, i) => value !== data(model)[i]));
});

Deno.test("a model whose layers are tuned together is the same on disk, also when it is killed in between", async () => {
  using model = await loadModel(tiny, { backend: "wasm" });
  const tuneModel = { epochs: 3, batchTokens: 32, window: 40, rate: 0.002 };
  const both = { ...options, tuneBlocks: { ...options.tuneBlocks, epochs: 1 }, tuneModel };
  using expected = await quantizeModel(model, both);
  using blocks = await quantizeModel(model, { ...both, tuneModel: false });
  assert(hashOf(blocks) !== hashOf(expected));
  const out = `${folder}/both`;
  // Killed in the second epoch, and behind the last step.
  for (const at of ["step 3", "step 9"]) {
    await assertRejects(
      () =>
        quantizeOnDisk(tiny, out, {
          ...both,
          onProgress: ({ name }) => {
            if (name === at) throw new TypeError("killed");
          },
        }),
      TypeError,
      "killed",
    );
  }
  await quantizeOnDisk(tiny, out, both);
  using read = await loadModel(out, { backend: "wasm" });
  assertEquals(hashOf(read), hashOf(expected));
});

Deno.test("what was quantized before and is skipped stays as it is beside what is tuned", async () => {
  using model = await loadModel(tiny, { backend: "wasm" });
  using first = await quantizeModel(model, { format: "any4", skip: "*mlp*" });
  const how = { ...options, sequential: false, skip: "*self_attn*", tuneModel: { epochs: 1, rate: 0.001 } };
  using both = await quantizeModel(first, how);
  for (const [name, tensor] of first.tensors) {
    if (isPacked(tensor)) assert(both.tensors.get(name) === tensor, name);
  }
  assert(isPacked(both.tensors.get("model.layers.0.mlp.up_proj.weight")!));
});

Deno.test("tuning refuses what it cannot do", async () => {
  using model = await loadModel(tiny, { backend: "plain" });
  await assertRejects(
    () => quantizeModel(model, { tuneBlocks: { window: 1 } }),
    OptionError,
    "window must be a whole number of at least 2, current value is 1",
  );
  await assertRejects(
    () => quantizeModel(model, { tuneModel: { epochs: 0 } }),
    OptionError,
    "epochs must be a whole number of at least 1, current value is 0",
  );
  using experts = await load("mixtral", "wasm");
  let done = 0;
  const onProgress = () => void done++;
  await assertRejects(
    () => quantizeModel(experts, { tuneBlocks: true, onProgress }),
    OptionError,
    "gradients of experts are not known here",
  );
  assertEquals(done, 0);
  await assertRejects(
    () => Units.open(tiny, `${folder}/units`, { tuneBlocks: true }),
    OptionError,
    "Cannot divide tuning into units",
  );
});
