import { assertLessOrEqual } from "@std/assert";
import { loadModel } from "any4";
import { Block } from "../../lib/tune/block.ts";
import { Head } from "../../lib/tune/head.ts";

Deno.test("memory does not grow with the number of lengths that texts have", async () => {
  using model = await loadModel("tinyworld", { backend: "wasm" });
  const { hidden_size, vocab_size } = model.config;
  using head = new Head(model);
  using block = new Block(model, { layer: 0, tensor: (name) => model.tensors.get(name) });
  const run = async (tokens: number) => {
    const hidden = new Float32Array(tokens * hidden_size).fill(0.1);
    await block.forward(hidden);
    await block.backward(hidden);
    await head.logits(hidden);
    await head.backward(new Float32Array(tokens * vocab_size));
  };
  await run(200);
  const { bytes } = model.backend;
  for (let tokens = 199; tokens > 160; tokens--) await run(tokens);
  assertLessOrEqual(model.backend.bytes!, 1.1 * bytes!);
});
