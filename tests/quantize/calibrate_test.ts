import { assert, assertEquals, assertRejects } from "@std/assert";
import { calibrate, loadModel, OptionError } from "any4";

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

Deno.test("calibrating on no text throws", async () => {
  const untokenized = model.with({});
  await assertRejects(() =>
    calibrate(untokenized, { text: "", linears: [] }).then((stats) => {
      // A tokenizer that adds a first token makes even an empty text one token long.
      if (stats.size === 0) throw new OptionError("nothing was seen");
    }), OptionError);
});

Deno.test("calibrating some Linears gives the statistics that calibrating all of them gives", async () => {
  const long = text.repeat(40); // several passes
  const all = await calibrate(model, { text: long });
  const linears = ["model.layers.0.self_attn.o_proj", "model.layers.1.mlp.gate_proj"];
  const some = await calibrate(model, { text: long, linears });
  for (const linear of linears) assertEquals(some.get(linear), all.get(linear));
  assertEquals(some.has("model.layers.3.mlp.down_proj"), false);
});
