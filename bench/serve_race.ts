/**
 * The server beside llama.cpp's batched decoding, both as processes of their own, with the same prompts.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { table } from "any4/show";
import { median } from "../lib/measure/median.ts";

const HELP =
  `Times servers: tokens a second, time to the first token, and of whole answers, by clients at a time.

Usage: deno run --allow-all bench/serve_race.ts [options] MODEL

  MODEL              the model that deno task serve serves: a folder, or a .gguf file
  --format NAME      quantized to this first
  --activations TYPE of deno task serve
  --gguf FILE        the model that llama.cpp serves
  --llama-cpp DIR    a folder with the npm package node-llama-cpp
  --text FILE        where prompts are cut from
  --clients NS       clients at a time (1,4,16)
  --requests N       requests of each client in a round (3)
  --tokens N         tokens of an answer (48)
  --rounds N         rounds, in which servers take turns (2)
  --help             this text
`;

const { values, positionals: [model] } = parseArgs({
  allowPositionals: true,
  options: {
    format: { type: "string" },
    activations: { type: "string", default: "int16" },
    gguf: { type: "string" },
    "llama-cpp": { type: "string" },
    text: { type: "string" },
    clients: { type: "string", default: "1,4,16" },
    requests: { type: "string", default: "3" },
    tokens: { type: "string", default: "48" },
    rounds: { type: "string", default: "2" },
    help: { type: "boolean" },
  },
});
if (values.help || !model || !values.text) {
  console.log(HELP);
  Deno.exit(values.help ? 0 : 1);
}

const max_tokens = Number(values.tokens);
const threads = String(navigator.hardwareConcurrency);
const most = Math.max(...values.clients.split(",").map(Number));
const text = Deno.readTextFileSync(values.text);
/** Prompts of 60 to 420 characters, from different places. */
const prompts = Array.from({ length: 64 }, (_, i) => {
  const from = 1000 + 4000 * i;
  return text.slice(from, from + 60 + 120 * (i % 4)).trim();
});

interface Contestant {
  readonly name: string;
  readonly process: Deno.ChildProcess;
  /** Sends a prompt; calls back at each token. */
  ask(prompt: string, onToken: () => void): Promise<void>;
}

/** Starts a program and waits for a line that says where it listens. */
async function start(command: string, args: string[]): Promise<{ process: Deno.ChildProcess; line: string }> {
  const process = new Deno.Command(command, { args, stdout: "piped", stderr: "inherit" }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`${command} ended: ${said}`);
    said += value;
  }
  return { process, line: said };
}

/** Counts what an answer has of a mark as it comes. */
async function count(response: Response, mark: RegExp, onToken: () => void): Promise<void> {
  if (!response.ok) throw new Error(await response.text());
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    for (const _ of part.matchAll(mark)) onToken();
  }
}

async function ours(): Promise<Contestant> {
  const { process, line } = await start(Deno.execPath(), [
    ...["run", "--no-check", "--allow-all", "tasks/serve.ts", "--model", model!, "--port", "0"],
    ...["--parallel", String(most), "--activations", values.activations, "--context", "512"],
    ...values.format ? ["--format", values.format] : [],
  ]);
  const url = /http:\S+/.exec(line)![0];
  return {
    name: `any4-deno, ${values.format ?? "as it is"}, ${values.activations} activations`,
    process,
    async ask(prompt, onToken) {
      const body = JSON.stringify({ prompt, max_tokens, temperature: 0, stream: true });
      await count(await fetch(`${url}/v1/completions`, { method: "POST", body }), /"index":/g, onToken);
    },
  };
}

async function llamaCpp(folder: string, gguf: string): Promise<Contestant> {
  const script = new URL("llama_cpp_server.mjs", import.meta.url).pathname;
  const { process, line } = await start("node", [script, folder, gguf, threads, String(most), "512"]);
  const { name, port } = JSON.parse(line);
  return {
    name,
    process,
    async ask(prompt, onToken) {
      const body = JSON.stringify({ prompt, max_tokens });
      await count(await fetch(`http://127.0.0.1:${port}`, { method: "POST", body }), /\n/g, onToken);
    },
  };
}

const contestants = [await ours()];
if (values["llama-cpp"] && values.gguf) contestants.push(await llamaCpp(values["llama-cpp"], values.gguf));

/** Times of all requests of some clients: to the first token and to the end in milliseconds, and tokens a second. */
async function race(
  { ask }: Contestant,
  clients: number,
): Promise<{ firsts: number[]; wholes: number[]; rate: number }> {
  const [firsts, wholes]: [number[], number[]] = [[], []];
  let [next, tokens] = [0, 0];
  const total = clients * Number(values.requests);
  const started = performance.now();
  await Promise.all(Array.from({ length: clients }, async () => {
    while (next < total) {
      const prompt = prompts[next++ % prompts.length]!;
      const begun = performance.now();
      let first: number | undefined;
      await ask(prompt, () => {
        first ??= performance.now() - begun;
        tokens++;
      });
      firsts.push(first!);
      wholes.push(performance.now() - begun);
    }
  }));
  return { firsts, wholes, rate: tokens / (performance.now() - started) * 1000 };
}

const at = (all: number[], share: number) =>
  all.toSorted((a, b) => a - b)[Math.floor(share * (all.length - 1))]!;
const rows: string[][] = [];
try {
  for (const contestant of contestants) await race(contestant, 1);
  for (const clients of values.clients.split(",").map(Number)) {
    const found = contestants.map(() => ({
      firsts: [] as number[],
      wholes: [] as number[],
      rates: [] as number[],
    }));
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [i, contestant] of contestants.entries()) {
        const { firsts, wholes, rate } = await race(contestant, clients);
        found[i]!.firsts.push(...firsts);
        found[i]!.wholes.push(...wholes);
        found[i]!.rates.push(rate);
      }
    }
    for (const [i, { firsts, wholes, rates }] of found.entries()) {
      const times = [at(firsts, 0.5), at(firsts, 0.99), at(wholes, 0.5), at(wholes, 0.99)];
      rows.push([
        String(clients),
        contestants[i]!.name,
        median(rates).toFixed(1),
        ...times.map((time) => Math.round(time).toLocaleString("en")),
      ]);
    }
  }
} finally {
  for (const { process } of contestants) process.kill("SIGTERM");
}
const right = { align: "right" as const };
console.log(table(
  [
    { title: "clients", ...right },
    { title: "server" },
    ...["tokens/s", "first token ms", "p99", "answer ms", "p99"].map((title) => ({ title, ...right })),
  ],
  rows,
));
