import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import {
  any4,
  calibrate,
  CheckpointError,
  compare,
  dequantize,
  formats,
  generate,
  generateStream,
  isPacked,
  KernelError,
  loadModel,
  OptionError,
  type PackedMatrix,
  quantizeModel,
  referenceLogits,
  saveModel,
  TensorError,
  Tokenizer,
} from "any4";
import { relativeError } from "../../lib/measure/layer_error.ts";

const model = await loadModel("tinyworld");
const text = "Once upon a time, a girl lived in a small village near the river. One day she found a key.";

Deno.test("a prompt in one go and token by token give the same logits", async () => {
  const ids = model.tokenizer.encode(text);
  const whole = await model.session().forward(ids, { logits: "all" });
  const session = model.session();
  const vocab = model.config.vocab_size;
  for (const [t, id] of ids.entries()) {
    const step = await session.forward([id]);
    // One token and many may go through different kernels, which add in different orders.
    assertLess(relativeError(step, whole.subarray(t * vocab, (t + 1) * vocab)), 1e-5, `token ${t}`);
  }
});

Deno.test("a model that is disposed of leaves those made of it working, and the other way round", async () => {
  for (const disposeFirst of ["original", "quantized"]) {
    const original = await loadModel("tinyworld", { threads: 1 });
    const small = await quantizeModel(original, { format: "int4" });
    const [first, second] = disposeFirst === "original" ? [original, small] : [small, original];
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    await second.session().forward([1, 2, 3]);
    second[Symbol.dispose]();
    await assertRejects(() => second.session().forward([1, 2, 3]), KernelError, "have ended");
  }
});

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

Deno.test("a matrix that several models share lies on their backend once", async () => {
  const small = await quantizeModel(model, { format: "int4" });
  const embedding = model.tensors.get("model.embed_tokens.weight")!;
  assertEquals(small.tensors.get("model.embed_tokens.weight"), embedding);
  assert(small.backend.weight(embedding) === model.backend.weight(embedding));
});

Deno.test("a session throws when it would outgrow its capacity", async () => {
  await assertRejects(() => model.session(3).forward([1, 2, 3, 4]), OptionError, "3");
});

Deno.test("every format keeps embeddings and norms and packs every Linear", async () => {
  for (const format of formats.keys()) {
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

Deno.test("calibration sees every column of every Linear, and mean-square statistics agree with their definition", async () => {
  const stats = await calibrate(model, { text });
  assertEquals([...stats.keys()].sort(), model.linears().sort());
  const entry = stats.get("model.layers.0.mlp.down_proj")!;
  assertEquals(entry.tokens, model.tokenizer.encode(text).length);
  for (let c = 0; c < entry.mean.length; c++) {
    assert(Math.abs(entry.mean[c]!) <= entry.meanAbs[c]! + 1e-12);
    assert(entry.meanAbs[c]! ** 2 <= entry.meanSquare[c]! + 1e-12);
  }
});

Deno.test("calibrating on several texts gives the mean of each alone, by tokens", async () => {
  const name = "model.layers.1.mlp.down_proj";
  const texts = [text, "Two birds sat on the old gate."];
  const alone = await Promise.all(texts.map((text) => calibrate(model, { text })));
  const parts = alone.map((stats) => stats.get(name)!);
  const all = (await calibrate(model, { text: texts })).get(name)!;
  assertEquals(all.tokens, parts[0]!.tokens + parts[1]!.tokens);
  all.meanSquare.forEach((value, c) => {
    const expected = parts.reduce((sum, it) => sum + it.tokens * it.meanSquare[c]!, 0) / all.tokens;
    assert(Math.abs(value - expected) <= 1e-9 * expected, `column ${c}: ${value}, expected ${expected}`);
  });
});

Deno.test("calibrating on a part of the text sees as many tokens as it was told, over several texts too", async () => {
  const name = "model.layers.0.self_attn.q_proj";
  const long = model.tokenizer.encode(text).length;
  for (
    const [samples, maxTokens] of [[text, 1], [text, long], [[text, text], long + 3], [text, 9999]] as const
  ) {
    const { tokens } = (await calibrate(model, { text: samples, maxTokens })).get(name)!;
    assertEquals(tokens, Math.min(maxTokens, long * [samples].flat().length));
  }
  for (const maxTokens of [0, -1, 1.5, NaN]) {
    await assertRejects(() => calibrate(model, { text, maxTokens }), OptionError, `${maxTokens}`);
  }
  await assertRejects(() => calibrate(model, { text: [] }), OptionError, "empty");
});

Deno.test("calibrating on no text throws", async () => {
  const untokenized = model.with({});
  await assertRejects(() =>
    calibrate(untokenized, { text: "", linears: [] }).then((stats) => {
      // A tokenizer that adds a first token makes even an empty text one token long.
      if (stats.size === 0) throw new OptionError("nothing was seen");
    }), OptionError);
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

Deno.test("a saved model loads again bit for bit, for every format", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const calibration = await calibrate(model);
    for (const format of formats.keys()) {
      const small = await quantizeModel(model, { format, groupSize: 96, calibration });
      await saveModel(small, `${folder}/${format}`);
      using again = await loadModel(`${folder}/${format}`);
      assertEquals([...again.tensors.keys()].sort(), [...small.tensors.keys()].sort());
      for (const [name, tensor] of small.tensors) {
        assertEquals(again.tensors.get(name), tensor, `${format} ${name}`);
      }
      assertEquals(again.size, small.size);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a dequantized export is a plain checkpoint with the same predictions but for BF16 rounding", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const small = await any4(model);
    await saveModel(small, folder, { dequantized: true });
    using plain = await loadModel(folder);
    assert([...plain.tensors.values()].every((tensor) => !isPacked(tensor) && tensor.dtype === "BF16"));
    assertEquals(plain.rawConfig.quantization_config, undefined);
    const reference = await referenceLogits(small, { text });
    assertLess((await compare(plain, reference)).kl, 1e-3);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a checkpoint whose packed parts do not fit together throws", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await saveModel(await any4(model), folder);
    const path = `${folder}/config.json`;
    const config = JSON.parse(Deno.readTextFileSync(path));
    const name = "model.layers.0.mlp.up_proj.weight";
    for (
      const entry of [{ format: "any3", group_size: 128 }, { format: "any4", group_size: 64 }, {
        format: "any4",
        group_size: 0,
      }]
    ) {
      config.quantization_config.tensors[name] = entry;
      Deno.writeTextFileSync(path, JSON.stringify(config));
      await assertRejects(() => loadModel(folder), CheckpointError, name);
    }
    config.quantization_config = { quant_method: "gptq" };
    Deno.writeTextFileSync(path, JSON.stringify(config));
    await assertRejects(() => loadModel(folder), CheckpointError, "gptq");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("generate() is greedy by default, streams what it returns, and stops where it is told", async () => {
  const pieces: string[] = [];
  const result = await generate(model, "Once upon a time", {
    maxTokens: 24,
    onText: (piece) => pieces.push(piece),
  });
  assertEquals(pieces.join(""), result.text);
  assertEquals(result.tokens.length, 24);
  assertEquals((await generate(model, "Once upon a time", { maxTokens: 24 })).text, result.text);
  const stopped = await generate(model, "Once upon a time", { maxTokens: 24, stop: result.text.slice(5, 9) });
  assertEquals([stopped.text, stopped.stoppedBy], [result.text.slice(0, 5), "stop"]);
  assertEquals((await generate(model, "Once", { maxTokens: 0 })).tokens, []);
});

Deno.test("what generation_config.json adds to the end tokens ends a text too", async () => {
  const { tokens } = await generate(model, "Once upon a time", { maxTokens: 8 });
  for (const eos_token_id of [tokens[5]!, [7, tokens[5]!]]) {
    const other = model.with({ generationConfig: { eos_token_id } });
    const ended = await generate(other, "Once upon a time", { maxTokens: 8 });
    assertEquals([ended.tokens, ended.stoppedBy], [tokens.slice(0, tokens.indexOf(tokens[5]!)), "eos"]);
  }
});

Deno.test("sampling depends on the seed alone", async () => {
  const draw = async (seed: number) =>
    (await generate(model, "The", { maxTokens: 16, temperature: 1.5, topK: 50, topP: 0.95, seed })).text;
  assertEquals(await draw(1), await draw(1));
  assert(new Set(await Promise.all([1, 2, 3, 4].map(draw))).size > 1);
});

Deno.test("generate() answers a conversation as it continues the chat template's text, with one BOS", async () => {
  using plain = await loadModel("tinyworld", { backend: "plain" });
  const file = JSON.parse(Deno.readTextFileSync(`${plain.folder}/tokenizer.json`));
  const chat_template =
    "{{ bos_token }}{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}" +
    "{% if add_generation_prompt %}assistant:{% endif %}";
  const tokenizer = new Tokenizer(file, { chat_template, bos_token: "<|bos|>" });
  const model = plain.with({ tokenizer });
  const answer = await generate(model, [{ role: "user", content: "Tell a story." }], { maxTokens: 12 });
  assertEquals(
    answer.tokens,
    (await generate(model, "user: Tell a story.\nassistant:", { maxTokens: 12 })).tokens,
  );
  await assertRejects(() => generate(plain, [{ role: "user", content: "Hello" }]), CheckpointError, "chat");
});

Deno.test("generate() throws on options out of range and on a prompt longer than the context", async () => {
  for (const bad of [{ temperature: -1 }, { topP: 0 }, { topK: 0 }, { maxTokens: -1 }, { maxTokens: 1.5 }]) {
    await assertRejects(() => generate(model, "The", { temperature: 1, ...bad }), OptionError);
  }
  await assertRejects(() => generate(model, "cat ".repeat(2000)), OptionError, "context");
});

Deno.test("generateStream() yields what is new after every token, and what ended it in the last", async () => {
  const steps = [];
  for await (const step of generateStream(model, "The king", { maxTokens: 8 })) steps.push(step);
  const { text, tokens } = await generate(model, "The king", { maxTokens: 8 });
  assertEquals(steps.map((step) => step.text).join(""), text);
  assertEquals(steps.flatMap((step) => step.tokens), tokens);
  assertEquals(steps.map((step) => step.stoppedBy), [...Array(7).fill(undefined), "length"]);
});

Deno.test("loadModel() throws on what is no model and says what it looked for", async () => {
  await assertRejects(() => loadModel("/nowhere/at/all"), CheckpointError, "/nowhere/at/all");
  const folder = await Deno.makeTempDir();
  await assertRejects(() => loadModel(folder), CheckpointError, "config.json");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("calibrating some Linears gives the statistics that calibrating all of them gives", async () => {
  const long = text.repeat(40); // several passes
  const all = await calibrate(model, { text: long });
  const linears = ["model.layers.0.self_attn.o_proj", "model.layers.1.mlp.gate_proj"];
  const some = await calibrate(model, { text: long, linears });
  for (const linear of linears) assertEquals(some.get(linear), all.get(linear));
  assertEquals(some.has("model.layers.3.mlp.down_proj"), false);
});
