/**
 * What llama.cpp finds for GGUF files, through node-llama-cpp 3 (npm install node-llama-cpp, anywhere; run with Node).
 *
 *     NODE_PATH=… node make_llama_cpp.mjs ids TEXTS.json NAME=FILE.gguf …
 *     NODE_PATH=… node make_llama_cpp.mjs words TEXTS.json FOLDER
 *     NODE_PATH=… node make_llama_cpp.mjs logits [NAME …]
 *
 * "ids" writes gguf/ids-NAME.json: ids of each of the texts, special tokens found in them, none put before them.
 * TEXTS.json is what `deno run tests/golden/gguf_texts.ts` prints. "words" writes
 * gguf/words.json.gz: the same of files that make_gguf_vocabulary.py wrote to a folder, by the name of the pre-tokenizer,
 * those with equal ids together; TEXTS.json is then of `gguf_texts.ts --plain`. "logits" adds to gguf/models/models.json how far from
 * transformers' logits llama.cpp's are: it keeps keys and values in half precision, and rounds what it multiplies by
 * quantized weights to 8 bits.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const require = createRequire(import.meta.url);
const { getLlama } = await import(pathToFileURL(require.resolve("node-llama-cpp")));
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const folder = new URL("gguf/", import.meta.url).pathname;
const [what, file, ...files] = process.argv.slice(2);

if (what === "ids") {
  const texts = JSON.parse(readFileSync(file, "utf8"));
  for (const pair of files) {
    const [name, modelPath] = pair.split("=");
    const model = await llama.loadModel({ modelPath, vocabOnly: true });
    const ids = texts.map((text) => [...model.tokenize(text, true)]);
    writeFileSync(
      `${folder}ids-${name}.json`,
      JSON.stringify({ made_by: "make_llama_cpp.mjs, node-llama-cpp", ids }),
    );
  }
}

if (what === "words") {
  const texts = JSON.parse(readFileSync(file, "utf8"));
  const found = new Map();
  for (const name of readdirSync(files[0]).sort()) {
    const model = await llama.loadModel({ modelPath: `${files[0]}/${name}`, vocabOnly: true });
    const ids = JSON.stringify(texts.map((text) => [...model.tokenize(text, true)]));
    found.set(ids, [...found.get(ids) ?? [], name.replace(/\.gguf$/, "")]);
    await model.dispose();
  }
  const groups = [...found].map(([ids, names]) => ({ names, ids: JSON.parse(ids) }));
  const json = JSON.stringify({ made_by: "make_llama_cpp.mjs, node-llama-cpp", groups });
  writeFileSync(`${folder}words.json.gz`, gzipSync(json, { level: 9 }));
}

if (what === "logits") {
  const path = `${folder}models/models.json`;
  const golden = JSON.parse(readFileSync(path, "utf8"));
  const names = process.argv.slice(3);
  for (const [name, { ids, rows, logits, ...rest }] of Object.entries(golden.models)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const model = await llama.loadModel({ modelPath: `${folder}models/${name}.gguf` });
    const context = await model.createContext({ contextSize: 64, flashAttention: false });
    const options = { generateNext: { logits: true } };
    const found = await context.getSequence().controlledEvaluate(ids.map((id) => [id, options]));
    const expected = new Float32Array(Uint8Array.from(Buffer.from(logits, "base64")).buffer);
    const size = expected.length / rows.length;
    let [error, norm] = [0, 0];
    rows.forEach((row, i) => {
      for (let id = 0; id < size; id++) {
        error += (found[row].next.logits.get(id) - expected[i * size + id]) ** 2;
        norm += expected[i * size + id] ** 2;
      }
    });
    const llama_cpp = Number(Math.sqrt(error / norm).toPrecision(3));
    console.log(name, llama_cpp);
    golden.models[name] = { ids, rows, logits, ...rest, llama_cpp };
    await context.dispose();
    await model.dispose();
  }
  writeFileSync(path, JSON.stringify(golden) + "\n");
}
process.exit(0);
