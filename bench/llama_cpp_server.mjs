/**
 * llama.cpp as a server, for bench/serve_race.ts: on node with the npm package node-llama-cpp, whose context shares each step
 * among its sequences. Started with the package's folder, a GGUF file, a number of threads, of sequences and of tokens of each, it
 * prints its port. A request is `{ prompt: text, max_tokens }`, its answer a line for each token.
 */
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, modelPath, ...numbers] = process.argv.slice(2);
const [threads, sequences, contextSize] = numbers.map(Number);
const require = createRequire(`${folder}/`);
const { getLlama } = await import(pathToFileURL(require.resolve("node-llama-cpp")).href);
const llama = await getLlama({ build: "never", gpu: false, maxThreads: threads });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ sequences, contextSize, threads });
const free = Array.from({ length: sequences }, () => context.getSequence());
const waiting = [];

createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const { prompt, max_tokens } = JSON.parse(body);
  const sequence = free.pop() ?? await new Promise((resolve) => waiting.push(resolve));
  await sequence.clearHistory();
  let made = 0;
  for await (const token of sequence.evaluate(model.tokenize(prompt), { temperature: 0 })) {
    response.write(`${token}\n`);
    if (++made === max_tokens) break;
  }
  response.end();
  const next = waiting.shift();
  if (next) next(sequence);
  else free.push(sequence);
}).listen(0, "127.0.0.1", function () {
  console.log(
    JSON.stringify({ name: `llama.cpp ${llama.llamaCppRelease.release}`, port: this.address().port }),
  );
});
