import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { calibrate, loadModel, OptionError } from "any4";
import { relativeError } from "../../lib/measure/layer_error.ts";

const model = await loadModel("tinyworld");
const text = "Once upon a time, a girl lived in a small village near the river. One day she found a key.";

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

Deno.test("calibrating on no text throws, though a tokenizer may begin with a token of its own", async () => {
  for (const text of ["", ["", ""]]) {
    await assertRejects(() => calibrate(model, { text, linears: [] }), OptionError, "an empty text");
  }
});

Deno.test("calibrating some Linears gives the statistics that calibrating all of them gives", async () => {
  const long = text.repeat(40); // several passes
  const all = await calibrate(model, { text: long });
  const linears = ["model.layers.0.self_attn.o_proj", "model.layers.1.mlp.gate_proj"];
  const some = await calibrate(model, { text: long, linears });
  for (const linear of linears) assertEquals(some.get(linear), all.get(linear));
  assertEquals(some.has("model.layers.3.mlp.down_proj"), false);
});

const short = "Once upon a time there was a little fox who lived in the woods. 2 + 3 = 5.";

Deno.test("calibrate() collects E[x xᵀ] when asked, the mean of what the observed inputs' outer products are", async () => {
  using model = await loadModel("tinyworld", { backend: "wasm" });
  const name = "model.layers.1.mlp.down_proj";
  const { gram, meanSquare, tokens } = (await calibrate(model, { text: short, gram: true })).get(name)!;
  const ids = model.tokenizer.encode(short);
  assertEquals(tokens, ids.length);
  const cols = meanSquare.length;
  const expected = new Float64Array(cols * cols);
  using session = model.session(ids.length);
  await session.forward(ids, {
    logits: "none",
    async observe(linears, input) {
      if (!linears.includes(name)) return;
      const x = await model.backend.read(input);
      for (let t = 0; t < input.rows; t++) {
        for (let i = 0; i < cols; i++) {
          for (let j = 0; j < cols; j++) {
            expected[i * cols + j]! += x[t * cols + i]! * x[t * cols + j]! / tokens;
          }
        }
      }
    },
  });
  assertLess(relativeError(gram!, expected), 1e-5);
  assertLess(relativeError(meanSquare, expected.filter((_, i) => i % (cols + 1) === 0)), 1e-5);
});

Deno.test("Linears that share an input share its E[x xᵀ], and none is held unless it was asked for", async () => {
  using model = await loadModel("tinyworld", { backend: "plain" });
  const linears = ["q_proj", "k_proj", "v_proj"].map((part) => `model.layers.0.self_attn.${part}`);
  const [q, k, v] = await calibrate(model, { text: short, gram: true, linears }).then((stats) =>
    linears.map((linear) => stats.get(linear)!)
  );
  assert(q!.gram && q === k && q === v);
  assertEquals((await calibrate(model, { text: short, linears })).get(linears[0]!)!.gram, undefined);
});

Deno.test("E[x xᵀ] of several samples is the mean over all of their tokens, and the sums' memory is free again", async () => {
  using model = await loadModel("tinyworld", { backend: "wasm", threads: 1 });
  const linears = ["model.layers.0.self_attn.o_proj"];
  const of = async (short: string[]) =>
    (await calibrate(model, { text: short, gram: true, linears })).get(linears[0]!)!;
  const texts = [text, "Two sparrows built a nest."];
  const [first, second, both] = [await of([texts[0]!]), await of([texts[1]!]), await of(texts)];
  const expected = first.gram!.map((value, i) =>
    (first.tokens * value + second.tokens * second.gram![i]!) / (first.tokens + second.tokens)
  );
  assertLess(relativeError(both.gram!, expected), 1e-5);
  const before = model.backend.bytes!;
  for (let i = 0; i < 3; i++) await of(texts);
  assertEquals(model.backend.bytes!, before);
});

Deno.test("a signal cancels a calibration, and the model stays usable", async () => {
  const layers: number[] = [];
  const controller = new AbortController();
  const cancelled = calibrate(model, {
    text,
    signal: controller.signal,
    onProgress: (done) => {
      layers.push(done);
      controller.abort();
    },
  });
  assertEquals((await assertRejects(() => cancelled) as Error).name, "AbortError");
  assertEquals(layers, [1]);
  const reason = new Error("enough");
  await assertRejects(() => calibrate(model, { text, signal: AbortSignal.abort(reason) }), Error, "enough");
  assertEquals((await calibrate(model, { text })).size, model.linears().length);
});
