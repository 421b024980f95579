/**
 * How fast outer products are summed for the Hessians of linears, beside PyTorch and what the machine can do.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { WasmBackend } from "../lib/compute/wasm/backend.ts";
import { Pool } from "../lib/compute/wasm/pool.ts";
import { median } from "../lib/measure/median.ts";
import { Random } from "../lib/random.ts";
import { type Contestant, Limits, race } from "./linear.ts";
import { Peer } from "./peer.ts";

const HELP = `Times sum += xᵀ x of [tokens, columns] activations.

Usage: deno run --allow-read --allow-run bench/gram.ts [options] [columns]

  columns       one or more numbers (576 1536 4096)
  --tokens N    tokens (512)
  --rounds N    rounds, of which the median and the best count (5)
  --python CMD  a Python with torch (python3)
  --help        this text

Work is counted as 2 · tokens · columns², as a product that knows of no symmetry does it; ours does half of it and mirrors
the rest. Contestants take turns within a round, so that a busy machine slows all alike.
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tokens: { type: "string", default: "512" },
    rounds: { type: "string", default: "5" },
    python: { type: "string", default: "python3" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  Deno.exit();
}

const tokens = Number(options.tokens);
const random = new Random(5);
const threads = [...new Set([1, navigator.hardwareConcurrency])];

/** Ours on a pool. */
function ours(pool: Pool, cols: number): Contestant {
  const backend = new WasmBackend(pool);
  const [sum, x] = [backend.tensor(cols, cols), backend.tensor(tokens, cols)];
  backend.write(sum, new Float32Array(cols * cols));
  backend.write(x, Float32Array.from({ length: tokens * cols }, () => random.normal()));
  return {
    name: "any4-deno, WASM",
    threads: pool.threads,
    run(repeats) {
      const start = performance.now();
      for (let i = 0; i < repeats; i++) backend.gram(sum, x);
      return (performance.now() - start) / 1000 / repeats;
    },
  };
}

/** PyTorch's, or a sentence on why not. */
async function torch(cols: number): Promise<{ contestants: Contestant[]; missing?: string; peer?: Peer }> {
  try {
    const peer = new Peer(options.python, "gram_peer.py", [String(tokens), String(cols)]);
    const { version } = await peer.read<{ version: string }>();
    const contestants = threads.map((count): Contestant => ({
      name: `PyTorch ${version}, addmm_`,
      threads: count,
      run: async () => (await peer.ask<{ seconds: number }>(String(count))).seconds,
    }));
    return { contestants, peer };
  } catch (error) {
    return { contestants: [], missing: `PyTorch: ${(error as Error).message}` };
  }
}

for (const cols of positionals.length > 0 ? positionals.map(Number) : [576, 1536, 4096]) {
  const pools = threads.map((count) => new Pool({ threads: count }));
  const limits = pools.map((pool) => new Limits(pool));
  for (let tries = 0; pools.at(-1)!.ready < threads.at(-1)! - 1 && tries < 100; tries++) {
    limits.at(-1)!.flops();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { contestants: peers, missing, peer } = await torch(cols);
  const contestants = [...pools.map((pool) => ours(pool, cols)), ...peers];
  const seconds = await race(contestants, { rounds: Number(options.rounds), repeats: 1 });
  await peer?.close();
  const work = 2 * tokens * cols ** 2;
  const peaks = limits.map((limit) => limit.flops());
  console.log(`${cols} columns, ${tokens} tokens, median and best of ${options.rounds} rounds`);
  console.table(contestants.map(({ name, threads: count }, i) => {
    const [middle, best] = [median(seconds[i]!), Math.min(...seconds[i]!)];
    const done = name.startsWith("any4") ? work * (cols + 8) / (2 * cols) : work;
    return {
      contestant: name,
      threads: count,
      "median, ms": Number((1000 * middle).toPrecision(3)),
      "GFLOP/s": Number((work / middle / 1e9).toPrecision(3)),
      "best, GFLOP/s": Number((work / best / 1e9).toPrecision(3)),
      "of WASM's peak, of what is computed": `${
        (100 * done / best / peaks[threads.indexOf(count)]!).toFixed(0)
      } %`,
    };
  }));
  if (missing) console.log(`Without ${missing}`);
}
Deno.exit();
