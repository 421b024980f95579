/**
 * The server under load: many clients with mixed prompts, some streaming, some leaving. Every answer is compared with the one that
 * a client alone got.
 *
 * `deno run -A bench/serve.ts [--requests 1000] [--clients 16] [--model tinyworld] [--port of a running server]`
 *
 * @module
 */
import { Command } from "commander";
import { loadModel } from "any4";
import { median } from "../lib/measure/median.ts";
import { serve } from "any4/serve";

const options = new Command()
  .option("--requests <n>", "requests", Number, 1000)
  .option("--clients <n...>", "clients at a time, one after another", ["1", "4", "16"])
  .option("--model <name>", "model", "tinyworld")
  .option("--tokens <n>", "tokens of an answer at most", Number, 32)
  .parse(Deno.args, { from: "user" })
  .opts<{ requests: number; clients: string[]; model: string; tokens: number }>();

const STARTS = [
  "Once upon a time",
  "The king said",
  "One day a girl",
  "In the village",
  "2 + 3 =",
  "A dragon",
];
const LONG =
  "They walked by the river and saw a boat, and in the boat there was a key that nobody had seen. ";

/** Different requests: short and long prompts that share beginnings, greedy and drawn. */
const asked = Array.from({ length: 48 }, (_, i) => ({
  prompt: LONG.repeat(i % 5) + STARTS[i % STARTS.length],
  max_tokens: 1 + (i * 7) % options.tokens,
  temperature: i % 3 === 0 ? 0 : 0.9,
  seed: i,
  logprobs: i % 4 === 0 ? 1 : null,
}));

using model = await loadModel(options.model);
await using server = serve(new Map([["model", model]]), { port: 0, parallel: 16 });

const post = (body: unknown, init: RequestInit = {}) =>
  fetch(`${server.url}/v1/completions`, { method: "POST", body: JSON.stringify(body), ...init });

/** An answer, and milliseconds to its first token. */
async function streamed(body: unknown): Promise<{ text: string; first: number }> {
  const started = performance.now();
  const response = await post({ ...body as object, stream: true });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  let [all, first] = ["", 0];
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    first ||= performance.now() - started;
    all += part;
  }
  const events = all.split("\n\n").filter((event) => event.startsWith("data: {"));
  if (!all.endsWith("data: [DONE]\n\n")) throw new Error("A stream has no end");
  return { text: events.map((event) => JSON.parse(event.slice(6)).choices[0].text).join(""), first };
}

const expected: { text: string; tokens: number }[] = [];
for (const body of asked) {
  const { choices, usage } = await (await post(body)).json();
  expected.push({ text: choices[0].text, tokens: usage.completion_tokens });
}

const at = (sorted: number[], share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
const megabytes = () => Math.round(Deno.memoryUsage().rss / 1e6);
let faults = 0;

for (const clients of options.clients.map(Number)) {
  let [next, wrong, left, tokens] = [0, 0, 0, 0];
  const [firsts, wholes]: number[][] = [[], []];
  const memory: number[] = [];
  const started = performance.now();
  const client = async () => {
    while (next < options.requests) {
      const n = next++;
      const which = (n * 31) % asked.length;
      const body = asked[which]!;
      if (n % Math.ceil(options.requests / 8) === 0) memory.push(megabytes());
      const begun = performance.now();
      if (n % 25 === 24) {
        // One that leaves.
        const controller = new AbortController();
        const answer = post({ ...body, max_tokens: 300 }, { signal: controller.signal }).then((r) =>
          r.text()
        );
        setTimeout(() => controller.abort(), 5);
        await answer.then(() => {}, () => {});
        left++;
        continue;
      }
      let text: string;
      if (n % 2 === 0) {
        const found = await streamed(body);
        firsts!.push(found.first);
        text = found.text;
      } else text = (await (await post(body)).json()).choices?.[0].text;
      wholes!.push(performance.now() - begun);
      tokens += expected[which]!.tokens;
      if (text !== expected[which]!.text) wrong++;
    }
  };
  const results = await Promise.allSettled(Array.from({ length: clients }, client));
  const lost = results.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
  for (const { reason } of lost) console.error(reason);
  const seconds = (performance.now() - started) / 1000;
  for (const list of [firsts!, wholes!]) list.sort((a, b) => a - b);
  faults += lost.length + wrong;
  console.log(JSON.stringify({
    clients,
    requests: options.requests,
    answered: wholes!.length,
    left,
    lost: lost.length,
    wrong,
    tokensPerSecond: Math.round(tokens / seconds),
    firstTokenMs: { median: Math.round(median(firsts!)), p99: Math.round(at(firsts!, 0.99)) },
    answerMs: { median: Math.round(median(wholes!)), p99: Math.round(at(wholes!, 0.99)) },
    memoryMB: memory.concat(megabytes()),
  }));
}
if (faults > 0) Deno.exit(1);
