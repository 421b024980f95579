/**
 * Writes tests/golden/gguf/ids-*.json.gz: ids of 300 texts (gguf_texts.ts) by llama.cpp, through node-llama-cpp 3, for
 * GGUF files given by path.
 *
 *     deno run -A tests/golden/make_gguf_ids.ts NAME=FILE.gguf …
 *
 * Special tokens are found in the texts; none is put before them.
 *
 * @module
 */
// deno-lint-ignore no-import-prefix
import { getLlama } from "npm:node-llama-cpp@3";
import { texts } from "./gguf_texts.ts";

const llama = await getLlama({ gpu: false, build: "never" });
for (const pair of Deno.args) {
  const [name, modelPath] = pair.split("=");
  const model = await llama.loadModel({ modelPath: modelPath!, vocabOnly: true });
  const ids = texts().map((text) => [...model.tokenize(text, true)]);
  const json = JSON.stringify({ made_by: "make_gguf_ids.ts, node-llama-cpp", ids });
  const packed = new Blob([json]).stream().pipeThrough(new CompressionStream("gzip"));
  const path = new URL(`gguf/ids-${name}.json.gz`, import.meta.url);
  Deno.writeFileSync(path, new Uint8Array(await new Response(packed).arrayBuffer()));
}
