import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { loadModel, OptionError } from "any4";
import { modelSpeed } from "any4/measure";

Deno.test("modelSpeed() gives numbers that agree with one another and with the model", async () => {
  for (const backend of ["wasm", "plain"] as const) {
    using model = await loadModel("tinyworld", { backend });
    const done: number[] = [];
    const speed = await modelSpeed(model, {
      promptTokens: 9,
      newTokens: 4,
      rounds: 2,
      onProgress: (part) => done.push(part),
    });
    assertEquals([speed.promptTokens, speed.newTokens, speed.rounds], [9, 4, 2]);
    assertAlmostEquals(speed.prefill * speed.firstToken, 9, 1e-9);
    assert(speed.decode > 0 && speed.stepwise > 0);
    assertEquals([speed.weightBytes, speed.bitsPerWeight], [model.size.bytes, 16]);
    const { num_hidden_layers, num_key_value_heads, head_dim } = model.config;
    assertEquals(speed.cacheBytes, 2 * 4 * num_hidden_layers * num_key_value_heads * head_dim * 13);
    assertEquals(speed.backendBytes === undefined, backend === "plain");
    assert(speed.processBytes > speed.weightBytes);
    assertEquals(done, [1 / 3, 2 / 3, 1]);
  }
});

Deno.test("modelSpeed() refuses what is out of range or does not fit the context", async () => {
  using model = await loadModel("tinyworld", { backend: "plain" });
  const wrong = [
    [{ promptTokens: 0 }, "promptTokens"],
    [{ newTokens: 1 }, "newTokens"],
    [{ rounds: 0.5 }, "rounds"],
    [{ promptTokens: 500, newTokens: 13 }, "512"],
  ] as const;
  for (const [options, word] of wrong) {
    await assertRejects(() => modelSpeed(model, options), OptionError, word);
  }
});
