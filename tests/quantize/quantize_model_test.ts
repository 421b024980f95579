import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import {
  any4,
  calibrate,
  dequantize,
  isPacked,
  loadModel,
  type Model,
  OptionError,
  type PackedMatrix,
  quantizeModel,
  type QuantizeModelOptions,
  quantizeOnDisk,
  TensorError,
} from "any4";
import { layerErrors, relativeError } from "any4/measure";

const model = await loadModel("tinyworld");
const text = "Once upon a time, a girl lived in a small village near the river. One day she found a key.";

Deno.test("logits and learned tables are the same bit for bit whatever the number of threads", async () => {
  const ids = model.tokenizer.encode(text);
  const results = await Promise.all([1, 2, 3].map(async (threads) => {
    using original = await loadModel("tinyworld", { threads });
    using small = await any4(original, { skip: "*.mlp.*" });
    const logits: Float32Array[] = [];
    // Once while the threads come up, once more when they are there.
    for (let i = 0; i < 2; i++) {
      for (const each of [original, small]) logits.push(await each.session().forward(ids, { logits: "all" }));
    }
    const { codes, codebook } = small.weights("model.layers.0.self_attn.q_proj") as PackedMatrix;
    return { logits, codes, codebook };
  }));
  for (const result of results) assertEquals(result, results[0]);
});

Deno.test("fixed and learned formats keep embeddings and norms and pack every Linear", async () => {
  for (const format of ["int8", "any2"]) {
    const small = await quantizeModel(model, { format });
    for (const [name, tensor] of small.tensors) {
      assertEquals(isPacked(tensor), name.endsWith("_proj.weight"), name);
    }
    assertLess(small.bitsPerWeight, 9.01, format);
    assertLess(small.size.bytes, model.size.bytes, format);
  }
  assert([...model.tensors.values()].every((tensor) => !isPacked(tensor)), "the original was changed");
});

Deno.test("skip leaves Linears as they are, by name and by pattern", async () => {
  const small = await any4(model, { skip: ["model.layers.0.*", "*.down_proj"] });
  for (const linear of small.linears()) {
    const skipped = linear.startsWith("model.layers.0.") || linear.endsWith("down_proj");
    assertEquals(isPacked(small.weights(linear)), !skipped, linear);
  }
});

Deno.test("a model quantized twice throws", async () => {
  const small = await any4(model);
  await assertRejects(() => any4(small), OptionError, "already");
});

Deno.test("NaN in a checkpoint's weights is an error that names tensor, row and column", async () => {
  const name = "model.layers.1.mlp.up_proj.weight";
  const weights = model.weights("model.layers.1.mlp.up_proj");
  assert(!isPacked(weights));
  const data = weights.data.slice();
  data[weights.cols * 7 + 3] = NaN;
  const broken = model.with({ tensors: new Map([...model.tensors, [name, { ...weights, data }]]) });
  const calibration = await calibrate(model);
  const error = await assertRejects(() => any4(broken, { calibration }), TensorError, name);
  assert(error.message.includes("row 7, column 3"), error.message);
});

Deno.test("sequential calibration quantizes every Linear, and otherwise than calibration on the original", async () => {
  const [fast, sequential] = [await any4(model), await any4(model, { sequential: true })];
  const last = model.linears().at(-1)!;
  const values = [fast, sequential].map((small) => {
    const weights = small.weights(last);
    assert(isPacked(weights));
    return dequantize(weights);
  });
  assert(values[0]!.some((value, i) => value !== values[1]![i]));
});

Deno.test("methods of E[x xᵀ] get it from the model's calibration, all at once and in sequence", async () => {
  using model = await loadModel("tinyworld", { backend: "wasm" });
  const chosen = ["model.layers.0.self_attn.o_proj", "model.layers.1.mlp.up_proj"];
  const skip = model.linears().filter((linear) => !chosen.includes(linear));
  const errors = async (options: Partial<QuantizeModelOptions>) => {
    using small = await quantizeModel(model, { format: "any2", skip, ...options });
    const all = await layerErrors(model, small);
    return all.filter(({ linear }) => chosen.includes(linear)).map(({ outputError }) => outputError);
  };
  const rounded = await errors({});
  for (const sequential of [false, true]) {
    const solved = await errors({ method: { name: "lnq", rounds: 1 }, sequential });
    solved.forEach((error, i) => assertLess(error, 0.95 * rounded[i]!));
  }
});

for (const [name, tied] of [["llama2", false], ["gemma", true]] as const) {
  Deno.test(`the head and the embedding are quantized if they are to be, in memory and on disk: ${name}`, async () => {
    const folder = `${import.meta.dirname}/../golden/models/${name}`;
    using model = await loadModel(folder, { backend: "wasm", threads: 1 });
    const options = {
      format: "int8",
      groupSize: 32,
      head: "int8",
      ...(tied ? {} : { embedding: "any4:16" }),
    } as const;
    using small = await quantizeModel(model, options);
    const [embedding, head] = [model.layout.embedding.name, model.layout.head?.weight.name];
    assertEquals(head === undefined, tied);
    assert(small.size.bytes < model.size.bytes);
    for (
      const [tensor, format] of [[head ?? embedding, "int8"], [embedding, tied ? "int8" : "any4"]] as const
    ) {
      const packed = small.tensors.get(tensor)!;
      assert(isPacked(packed) && packed.format === format, tensor);
    }
    const out = Deno.makeTempDirSync();
    await quantizeOnDisk(folder, out, { ...options, backend: "wasm", threads: 1 });
    using loaded = await loadModel(out, { backend: "plain" });
    const ids = [5, 9, 3, 70];
    const logits = async (of: Model) => await of.session(8).forward(ids, { logits: "all" });
    const [here, there, original] = [await logits(small), await logits(loaded), await logits(model)];
    assert(relativeError(there, here) < 1e-3, "on disk");
    assert(relativeError(here, original) < 0.3, "quantized");
    Deno.removeSync(out, { recursive: true });
  });
}

Deno.test("a tied tensor has one format", async () => {
  using model = await loadModel(`${import.meta.dirname}/../golden/models/gemma`, { backend: "plain" });
  const options = { head: "int8", embedding: "int4" };
  await assertRejects(() => quantizeModel(model, options), OptionError, "one tensor for both");
  await assertRejects(() => quantizeModel(model, { head: "int9" }), OptionError, "int9");
});

Deno.test("a signal cancels a quantization at every phase, and the model stays usable", async () => {
  const options = { format: "any4", skip: "*.layers.1.*", calibration: text } as const;
  for (const more of [{}, { sequential: true }, { targetBits: 7, format: undefined }]) {
    const reason = new Error("enough");
    const controller = new AbortController();
    let told = 0;
    const cancelled = quantizeModel(model, {
      ...options,
      ...more,
      signal: controller.signal,
      onProgress: () => ++told === 2 && controller.abort(reason),
    });
    await assertRejects(() => cancelled, Error, "enough");
    assertEquals(told, 2);
    await assertRejects(
      () => quantizeModel(model, { ...options, ...more, signal: controller.signal }),
      Error,
      "enough",
    );
  }
  assert((await quantizeModel(model, options)).bitsPerWeight < model.bitsPerWeight);
});

Deno.test("a cancelled quantization on disk resumes where it was", async () => {
  const folder = await Deno.makeTempDir();
  const controller = new AbortController();
  const options = { format: "any4", skip: "*.layers.1.*", calibration: text } as const;
  const names: string[][] = [[], []];
  const note = (run: number) => ({ phase, name }: { phase: string; name: string }) => {
    if (phase === "quantizing") names[run]!.push(name);
    if (run === 0 && names[0]!.length === 3) controller.abort();
  };
  const first = () =>
    quantizeOnDisk("tinyworld", folder, { ...options, signal: controller.signal, onProgress: note(0) });
  assertEquals((await assertRejects(first) as Error).name, "AbortError");
  await quantizeOnDisk("tinyworld", folder, { ...options, onProgress: note(1) });
  assertEquals(names[0]!.length, 3);
  assertEquals([...names[0]!, ...names[1]!], model.linears().filter((name) => !name.includes(".layers.1.")));
  await Deno.remove(folder, { recursive: true });
});
