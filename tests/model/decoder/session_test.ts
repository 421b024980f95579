import { assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { generate, loadModel, type Matrix, OptionError, perplexity, TensorError } from "any4";
import { relativeError } from "../../../lib/measure/layer_error.ts";

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

Deno.test("a session throws when it would outgrow its capacity", async () => {
  await assertRejects(() => model.session(3).forward([1, 2, 3, 4]), OptionError, "3");
});

Deno.test("ids that are none of the vocabulary's throw, and leave the session as it was", async () => {
  const session = model.session(8);
  const { vocab_size: vocab } = model.config;
  for (const id of [1.5, -1, vocab, NaN, Infinity, null, undefined, true, "1", [1], 2n]) {
    const ids = [1, id] as number[];
    for (const logits of ["all", "last", "none"] as const) {
      await assertRejects(
        () => session.forward(ids, { logits }),
        OptionError,
        `whole number from 0 to ${vocab - 1}`,
      );
    }
    await assertRejects(() => session.likeliest(ids, 1), OptionError, "token 1");
    await assertRejects(() => session.greedy(ids, 1), OptionError, "token 1");
  }
  await assertRejects(() => session.forward([, 1] as number[]), OptionError, "token 0");
  assertEquals(session.position, 0);
  assertEquals((await session.forward(Uint16Array.of(1, 2))).length, vocab);
});

for (const backend of ["plain", "wasm"] as const) {
  Deno.test(`numbers that overflow on ${backend} are an error that says in which layer, not a text or a perplexity`, async () => {
    using whole = await loadModel("tinyworld", { backend, activations: "f32" });
    const name = "model.layers.2.mlp.up_proj.weight";
    const { rows, cols, data } = whole.tensors.get(name) as Matrix;
    const huge = { rows, cols, data: data.map((value) => value * 1e38) };
    using broken = whole.with({ tensors: new Map([...whole.tensors, [name, huge]]) });
    const message = "logits are not finite; the input of model.layers.2.mlp.down_proj has ";
    const ids = whole.tokenizer.encode(text);
    for (const logits of ["all", "last"] as const) {
      await assertRejects(() => broken.session().forward(ids, { logits }), TensorError, message);
    }
    await assertRejects(() => broken.session().likeliest(ids, 3), TensorError, message);
    await assertRejects(() => generate(broken, text, { maxTokens: 4 }), TensorError, message);
    await assertRejects(() => perplexity(broken, { text }), TensorError, message);
  });
}

Deno.test("a capacity that is no number of tokens throws", () => {
  for (const capacity of [-1, 1.5, NaN, Infinity]) assertThrows(() => model.session(capacity), OptionError);
});
