import { assert, assertEquals, assertLess } from "@std/assert";
import { calibrate, loadModel } from "any4";
import { relativeError } from "../../lib/measure/layer_error.ts";

const text = "Once upon a time there was a little fox who lived in the woods. 2 + 3 = 5.";

Deno.test("calibrate() collects E[x xᵀ] when asked, the mean of what the observed inputs' outer products are", async () => {
  using model = await loadModel("tinyworld", { backend: "wasm" });
  const name = "model.layers.1.mlp.down_proj";
  const { gram, meanSquare, tokens } = (await calibrate(model, { text, gram: true })).get(name)!;
  const ids = model.tokenizer.encode(text);
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
  const [q, k, v] = await calibrate(model, { text, gram: true, linears }).then((stats) =>
    linears.map((linear) => stats.get(linear)!)
  );
  assert(q!.gram && q === k && q === v);
  assertEquals((await calibrate(model, { text, linears })).get(linears[0]!)!.gram, undefined);
});

Deno.test("E[x xᵀ] of several samples is the mean over all of their tokens, and the sums' memory is free again", async () => {
  using model = await loadModel("tinyworld", { backend: "wasm", threads: 1 });
  const linears = ["model.layers.0.self_attn.o_proj"];
  const of = async (text: string[]) =>
    (await calibrate(model, { text, gram: true, linears })).get(linears[0]!)!;
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
