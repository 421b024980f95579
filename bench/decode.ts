/**
 * How many tokens a second a model decodes: packed and dense, on each backend, beside transformers.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { any4, isPacked, loadModel, type Model } from "any4";
import { argmax } from "../lib/model/decoder/sampling.ts";
import { median } from "../lib/measure/median.ts";
import { Peer } from "./peer.ts";

const HELP = `Times greedy decoding, a token at a time, after a short prompt.

Usage: deno run --allow-read --allow-env --allow-sys=osRelease --allow-run bench/decode.ts [options] [models]

  models        names or folders (tinyworld)
  --tokens N    tokens a round (128)
  --rounds N    rounds, of which the median counts (7)
  --python CMD  a Python with torch and transformers (python3)
  --help        this text

Contestants take turns within a round, so that a busy machine slows all alike.
`;

const PROMPT = "Once upon a time";

interface Contestant {
  readonly name: string;
  /** Decodes the tokens. @returns seconds. */
  readonly run: () => Promise<number>;
}

/** The same model with float32 weights: without a type to store them in, they stay as they are computed with. */
function single(model: Model): Model {
  const tensors = [...model.tensors].map(([name, tensor]) =>
    [name, isPacked(tensor) ? tensor : { rows: tensor.rows, cols: tensor.cols, data: tensor.data }] as const
  );
  return model.with({ tensors: new Map(tensors) });
}

async function decode(model: Model, prompt: number[], tokens: number): Promise<number> {
  const session = model.session(prompt.length + tokens);
  let next = argmax(await session.forward(prompt));
  const start = performance.now();
  for (let i = 0; i < tokens; i++) next = argmax(await session.forward([next]));
  return (performance.now() - start) / 1000;
}

/** Ours: each backend and number of threads with float32 and with packed weights. */
async function ours(name: string, tokens: number): Promise<Contestant[]> {
  const places = [
    ...[...new Set([1, navigator.hardwareConcurrency])].map((threads) => ({
      backend: "wasm" as const,
      threads,
    })),
    { backend: "plain" as const, threads: 1 },
  ];
  const contestants: Contestant[] = [];
  for (const { backend, threads } of places) {
    const model = await loadModel(name, { backend, threads });
    const prompt = model.tokenizer.encode(PROMPT);
    for (const [weights, contestant] of [["any4", await any4(model)], ["f32", single(model)]] as const) {
      contestants.push({
        name: `${backend}, ${weights}, ${threads} thread${threads === 1 ? "" : "s"}`,
        run: () => decode(contestant, prompt, tokens),
      });
    }
  }
  return contestants;
}

async function measure(
  name: string,
  options: { tokens: number; rounds: number; python: string },
): Promise<void> {
  const { tokens, rounds, python } = options;
  const contestants = await ours(name, tokens);
  let peer: Peer | undefined;
  let missing: string | undefined;
  try {
    using model = await loadModel(name);
    const prompt = JSON.stringify(model.tokenizer.encode(PROMPT));
    peer = new Peer(python, "./decode_peer.py", [model.folder, String(tokens), prompt]);
    const { name: peerName } = await peer.read<{ name: string }>();
    const run = async () => (await peer!.ask<{ seconds: number }>("decode")).seconds;
    contestants.push({ name: peerName, run });
  } catch (error) {
    [peer, missing] = [undefined, (error as Error).message];
  }
  const seconds = contestants.map((): number[] => []);
  // The first round lets compilers and threads come up.
  for (let round = -1; round < rounds; round++) {
    for (const [i, { run }] of contestants.entries()) {
      const taken = await run();
      if (round >= 0) seconds[i]!.push(taken);
    }
  }
  await peer?.close();
  console.log(`${name}: ${tokens} tokens after "${PROMPT}", median of ${rounds} rounds`);
  console.table(contestants.map(({ name }, i) => ({
    decoder: name,
    "tokens/s": Number((tokens / median(seconds[i]!)).toPrecision(3)),
    best: Number((tokens / Math.min(...seconds[i]!)).toPrecision(3)),
  })));
  if (missing !== undefined) {
    console.log(`Without transformers, which could not be started by "${python}": ${missing}`);
  }
}

if (import.meta.main) {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tokens: { type: "string", default: "128" },
      rounds: { type: "string", default: "7" },
      python: { type: "string", default: "python3" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (options.help) {
    console.log(HELP);
  } else {
    const [tokens, rounds] = [Number(options.tokens), Number(options.rounds)];
    for (const name of positionals.length > 0 ? positionals : ["tinyworld"]) {
      await measure(name, { tokens, rounds, python: options.python });
    }
  }
}
