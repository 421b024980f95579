import { assertEquals, assertLess } from "@std/assert";
import { loadModel } from "../../../lib/model/load_model.ts";
import { architectures } from "../../../lib/model/architectures/mod.ts";

const folder = new URL("../../golden/gguf/models/", import.meta.url).pathname;
interface Golden {
  model_type: string;
  ids: number[];
  rows: number[];
  logits: string;
  llama_cpp: number;
}
const { models }: { models: Record<string, Golden> } = JSON.parse(
  Deno.readTextFileSync(`${folder}models.json`),
);

for (const [name, golden] of Object.entries(models)) {
  Deno.test(`a GGUF file of ${name} gives transformers' logits`, async () => {
    using model = await loadModel(`${folder}${name}.gguf`, { backend: "plain" });
    assertEquals(model.config.model_type, golden.model_type);
    using session = model.session(golden.ids.length);
    const logits = await session.forward(golden.ids, { logits: "all" });
    const expected = new Float32Array(Uint8Array.fromBase64(golden.logits).buffer);
    const size = model.config.vocab_size;
    assertEquals(expected.length, golden.rows.length * size);
    let [error, norm] = [0, 0];
    for (const [i, row] of golden.rows.entries()) {
      for (let id = 0; id < size; id++) {
        error += (logits[row * size + id]! - expected[i * size + id]!) ** 2;
        norm += expected[i * size + id]! ** 2;
      }
    }
    assertLess(Math.sqrt(error / norm), 1e-5);
    // The files are no less llama.cpp's: it rounds activations to 8 bits. It knows no window of a Llama.
    if (name !== "mistral") assertLess(golden.llama_cpp, 0.06);
  });
}

Deno.test("there is a GGUF file of each architecture that GGUF has a name for", () => {
  const found = new Set(Object.values(models).map(({ model_type }) => model_type));
  // llama.cpp has no OPT.
  const without = new Set(["opt"]);
  assertEquals([...architectures.keys()].filter((type) => !found.has(type) && !without.has(type)), []);
});
