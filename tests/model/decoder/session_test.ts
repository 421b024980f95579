import { assertLess, assertRejects } from "@std/assert";
import { loadModel, OptionError } from "any4";
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
