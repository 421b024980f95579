/**
 * llama.cpp's side of bench/real_model.ts, on node with the npm package node-llama-cpp: started with the package's folder, a
 * GGUF file, a number of threads and the prompt's token ids, it answers "prefill" and "decode N" with the seconds taken.
 */
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, modelPath, threads, prompt] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { getLlama } = await import(pathToFileURL(require.resolve("node-llama-cpp")).href);
const llama = await getLlama({ build: "never", gpu: false, maxThreads: Number(threads) });
const model = await llama.loadModel({ modelPath });
const ids = JSON.parse(prompt);
const context = await model.createContext({
  contextSize: ids.length + 256,
  batchSize: ids.length,
  threads: Number(threads),
});
const sequence = context.getSequence();
const answer = (value) => console.log(JSON.stringify(value));
answer({ name: `llama.cpp ${llama.llamaCppRelease.release}, ${threads} threads` });
for await (const line of createInterface({ input: process.stdin })) {
  const [what, count] = line.split(" ");
  const start = performance.now();
  if (what === "prefill") {
    await sequence.clearHistory();
    await sequence.evaluateWithoutGeneratingNewTokens(ids.slice(0, -1));
  } else {
    let made = 0;
    for await (const _ of sequence.evaluate(ids.slice(-1), { temperature: 0 })) {
      if (++made === Number(count)) break;
    }
  }
  answer({ seconds: (performance.now() - start) / 1000 });
}
