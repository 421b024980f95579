import { assertEquals, assertStringIncludes } from "@std/assert";
import { loadModel } from "any4";
import { createBackend } from "any4/compute";
import { display, isView, view } from "../lib/display.ts";

Deno.test("console.log writes a model, session, tokenizer or backend in one line", async () => {
  using model = await loadModel("tinyworld", { backend: "plain" });
  using session = model.session(8);
  await session.forward([1, 2]);
  using wasm = await createBackend("wasm", { threads: 1 });
  const lines = [model, session, model.tokenizer, model.backend, wasm]
    .map((thing) => Deno.inspect(thing, { colors: false }).replaceAll("\u00a0", " "));
  assertEquals(lines, [
    "Model tinyworld: llama, 4 layers, 3.41 million parameters, 6.82 MB, 16.0 bits per weight, on plain",
    "Session: 2 of 8 tokens",
    "Tokenizer of 1024 tokens",
    "PlainBackend: 1 thread",
    `WasmBackend: ${wasm.description}`,
  ]);
});

Deno.test("a model that ends a notebook's cell is drawn", async () => {
  using model = await loadModel("tinyworld", { backend: "plain" });
  const { "text/plain": text, "text/html": html } = model[display]();
  assertStringIncludes(text, "4 × q_proj");
  assertStringIncludes(html!, "<img alt=");
});

Deno.test("a view says itself how it is shown, other values do not", () => {
  assertEquals(isView(view({ "text/plain": "a" })), true);
  for (const other of [{}, null, "a", 1]) assertEquals(isView(other), false);
});
