/**
 * How fast a real model reads a prompt and continues it, beside llama.cpp, transformers and wllama on the same file in the same
 * run.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { any4, loadModel, type Model } from "any4";
import { argmax } from "../lib/model/decoder/sampling.ts";
import { median } from "../lib/measure/median.ts";
import { Peer } from "./peer.ts";
import { Wllama } from "./wllama_peer.ts";

const HELP = `Times prefill and greedy decoding of a model from a GGUF file, on every core.

Usage: deno run --allow-read --allow-env --allow-sys --allow-run bench/real_model.ts [options] file.gguf

  --prompt N         tokens in (512)
  --tokens N         tokens out (64)
  --rounds N         rounds, of which the median counts (5)
  --llama-cpp DIR    a folder with the npm package node-llama-cpp
  --wllama DIR       a folder with the npm package @wllama/wllama, for a Chromium; in the last round only
  --python CMD       a Python with torch, transformers and gguf (python3)
  --help             this text

Contestants take turns within a round, so that a busy machine slows all alike.
`;

interface Contestant {
  readonly name: string;
  /** Whether it is so slow that it takes part in the last round only. */
  readonly slow?: boolean;
  /** Reads all of the prompt but its last token. @returns seconds. */
  readonly prefill: () => Promise<number>;
  /** Then continues it from its last token. @returns seconds. */
  readonly decode: (tokens: number) => Promise<number>;
  readonly close: () => Promise<void> | void;
}

function ours(name: string, model: Model, ids: readonly number[]): Contestant {
  let session = model.session(ids.length + 256);
  const timed = async (run: () => Promise<unknown>) => {
    const start = performance.now();
    await run();
    return (performance.now() - start) / 1000;
  };
  return {
    name,
    prefill() {
      session[Symbol.dispose]();
      session = model.session(ids.length + 256);
      return timed(() => session.forward(ids.slice(0, -1), { logits: "none" }));
    },
    decode: (tokens) =>
      timed(async () => {
        let next = ids.at(-1)!;
        for (let i = 0; i < tokens; i++) next = argmax(await session.forward([next]));
      }),
    close: () => session[Symbol.dispose](),
  };
}

async function theirs(command: string, script: string, args: string[]): Promise<Contestant> {
  const peer = new Peer(command, script, args);
  const { name } = await peer.read<{ name: string }>();
  const ask = async (line: string) => (await peer.ask<{ seconds: number }>(line)).seconds;
  return {
    name,
    prefill: () => ask("prefill"),
    decode: (tokens) => ask(`decode ${tokens}`),
    close: () => peer.close(),
  };
}

async function wllama(
  folder: string,
  options: { file: string; text: string; prompt: number; tokens: number },
): Promise<Contestant> {
  const { file, text, prompt, tokens } = options;
  const threads = navigator.hardwareConcurrency;
  const model = await Wllama.start(folder, { file, threads });
  let rates: { prefill: number; decode: number } | undefined;
  return {
    name: `wllama in Chromium, ${threads} threads`,
    slow: true,
    async prefill() {
      rates = await model.run(text, tokens);
      return prompt / rates.prefill;
    },
    decode: (tokens) => Promise.resolve(tokens / rates!.decode),
    close: () => model[Symbol.asyncDispose](),
  };
}

async function contestants(
  file: string,
  options: { prompt: number; tokens: number; llamaCpp?: string; wllama?: string; python: string },
): Promise<{ all: Contestant[]; missing: string[] }> {
  const all: Contestant[] = [];
  const missing: string[] = [];
  let ids: number[] = [];
  let text = "";
  for (const activations of ["int16", "int8"] as const) {
    const model = await loadModel(file, { backend: "wasm", activations });
    const long = "The quick brown fox jumps over the lazy dog. ".repeat(options.prompt);
    ids = model.tokenizer.encode(long).slice(0, options.prompt + 1);
    text = model.tokenizer.decode(ids.slice(0, -1));
    all.push(ours(`any4, int8 head, ${activations} activations`, await any4(model, { head: "int8" }), ids));
  }
  const prompt = JSON.stringify(ids);
  const threads = String(navigator.hardwareConcurrency);
  const invite = async (who: string, start: () => Promise<Contestant>) => {
    try {
      all.push(await start());
    } catch (error) {
      missing.push(`${who}: ${(error as Error).message}`);
    }
  };
  const { llamaCpp, python } = options;
  if (llamaCpp) {
    await invite(
      "llama.cpp",
      () => theirs("node", "./llama_cpp_peer.mjs", [llamaCpp, file, threads, prompt]),
    );
  } else missing.push("llama.cpp: --llama-cpp says where it is");
  if (options.wllama) {
    const { prompt, tokens } = options;
    await invite("wllama", () => wllama(options.wllama!, { file, text, prompt, tokens }));
  } else missing.push("wllama: --wllama says where it is");
  await invite("transformers", () => theirs(python, "./transformers_peer.py", [file, prompt]));
  return { all, missing };
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      prompt: { type: "string", default: "512" },
      tokens: { type: "string", default: "64" },
      rounds: { type: "string", default: "5" },
      "llama-cpp": { type: "string" },
      wllama: { type: "string" },
      python: { type: "string", default: "python3" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help || positionals.length !== 1) {
    console.log(HELP);
    Deno.exit(values.help ? 0 : 2);
  }
  const [prompt, tokens, rounds] = [Number(values.prompt), Number(values.tokens), Number(values.rounds)];
  const { all, missing } = await contestants(positionals[0]!, {
    prompt,
    tokens,
    llamaCpp: values["llama-cpp"],
    wllama: values.wllama,
    python: values.python,
  });
  const seconds = all.map(() => ({ prefill: [] as number[], decode: [] as number[] }));
  // The first round lets compilers and threads come up.
  for (let round = -1; round < rounds; round++) {
    for (const [i, contestant] of all.entries()) {
      if (contestant.slow && round < rounds - 1) continue;
      const [prefill, decode] = [await contestant.prefill(), await contestant.decode(tokens)];
      if (round < 0) continue;
      seconds[i]!.prefill.push(prefill);
      seconds[i]!.decode.push(decode);
    }
  }
  for (const contestant of all) await contestant.close();
  console.log(`${positionals[0]}: ${prompt} tokens in, ${tokens} out, median of ${rounds} rounds`);
  const rate = (count: number, taken: number[]) => Number((count / median(taken)).toPrecision(3));
  console.table(all.map(({ name }, i) => ({
    decoder: name,
    "prefill, tokens/s": rate(prompt, seconds[i]!.prefill),
    "decode, tokens/s": rate(tokens, seconds[i]!.decode),
  })));
  for (const sentence of missing) console.log(`Without ${sentence}`);
  Deno.exit();
}
