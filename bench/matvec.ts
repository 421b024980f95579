/**
 * How long one token takes to pass a Linear: packed and dense, beside PyTorch, onnxruntime, llama.cpp and
 * what the machine can do.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { ours, peers, race } from "./linear.ts";
import { median } from "../lib/measure/median.ts";

const HELP = `Times the product of a matrix and one token's activations.

Usage: deno run --allow-read --allow-run bench/matvec.ts [options]

  --size N      rows and columns (4096)
  --rounds N    rounds, of which the median and the best count (31)
  --python CMD  a Python with torch, onnx, onnxruntime and llama-cpp-python (python3)
  --help        this text

Contestants take turns within a round, so that a busy machine slows all alike.
`;

async function main(args: string[]): Promise<void> {
  const { values: options } = parseArgs({
    args,
    options: {
      size: { type: "string", default: "4096" },
      rounds: { type: "string", default: "31" },
      python: { type: "string", default: "python3" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (options.help) return console.log(HELP);
  const product = { tokens: 1, size: Number(options.size) };
  const threads = [...new Set([1, navigator.hardwareConcurrency])];
  const teams = await Promise.all(threads.map((count) => ours(product, count)));
  const others = await peers(options.python, product);
  const contestants = [...teams.flatMap((team) => team.contestants), ...others.contestants];
  const seconds = await race(contestants, { rounds: Number(options.rounds), repeats: 20 });
  await others.close();

  for (const [i, count] of threads.entries()) {
    const { limits } = teams[i]!;
    const [fromMemory, fromCache] = [await limits.bandwidth(), await limits.bandwidth(8 << 20)];
    console.log(
      `${count} thread${count > 1 ? "s" : ""}, ${product.size}×${product.size}, one token, median ` +
        `and best of ${options.rounds} rounds; reads ${(fromMemory / 1e9).toFixed(0)} GB/s from memory, ` +
        `${(fromCache / 1e9).toFixed(0)} GB/s from 8 MB`,
    );
    const team = contestants.flatMap((contestant, j) =>
      contestant.threads === count
        ? [{ ...contestant, seconds: median(seconds[j]!), best: Math.min(...seconds[j]!) }]
        : []
    );
    const first = team[0]!.best;
    console.table(team.map(({ name, bytes, seconds, best }) => ({
      contestant: name,
      "median, ms": Number((1000 * seconds).toPrecision(3)),
      "best, ms": Number((1000 * best).toPrecision(3)),
      "of any4's best": Number((best / first).toPrecision(3)),
      "floor, ms": bytes === undefined ? "" : Number((1000 * bytes / fromMemory).toPrecision(2)),
    })));
  }
  for (const sentence of others.missing) console.log(`Without ${sentence}`);
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
  Deno.exit();
}
