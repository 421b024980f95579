/**
 * How fast many tokens pass a Linear: packed and dense, beside PyTorch, onnxruntime, llama.cpp and
 * what the machine can do.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { ours, peers, race } from "./linear.ts";
import { median } from "../lib/measure/median.ts";

const HELP = `Times the product of a matrix and the activations of many tokens.

Usage: deno run --allow-read --allow-run bench/prefill.ts [options] [tokens]

  tokens        how many, one or more numbers (128 512)
  --size N      rows and columns (4096)
  --rounds N    rounds, of which the median and the best count (5)
  --python CMD  a Python with torch, onnx, onnxruntime and llama-cpp-python (python3)
  --help        this text

Contestants take turns within a round, so that a busy machine slows all alike.
`;

async function measure(
  tokens: number,
  options: { size: number; rounds: number; python: string },
): Promise<void> {
  const { size, rounds, python } = options;
  const threads = [...new Set([1, navigator.hardwareConcurrency])];
  const teams = await Promise.all(threads.map((count) => ours({ tokens, size }, count)));
  const others = await peers(python, { tokens, size });
  const contestants = [...teams.flatMap((team) => team.contestants), ...others.contestants];
  const seconds = await race(contestants, { rounds, repeats: 1 });
  await others.close();
  for (const [i, count] of threads.entries()) {
    const peak = teams[i]!.limits.flops();
    console.log(
      `${count} thread${
        count > 1 ? "s" : ""
      }, ${size}×${size}, ${tokens} tokens, median and best of ${rounds} rounds; ` +
        `WASM's peak is ${(peak / 1e9).toFixed(0)} GFLOP/s`,
    );
    console.table(contestants.flatMap((contestant, j) => {
      const work = 2 * tokens * size ** 2;
      const best = work / Math.min(...seconds[j]!);
      return contestant.threads !== count ? [] : [{
        contestant: contestant.name,
        "median, GFLOP/s": Number((work / median(seconds[j]!) / 1e9).toPrecision(3)),
        "best, GFLOP/s": Number((best / 1e9).toPrecision(3)),
        "best of peak": `${(100 * best / peak).toFixed(0)} %`,
      }];
    }));
  }
  for (const sentence of others.missing) console.log(`Without ${sentence}`);
}

if (import.meta.main) {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      size: { type: "string", default: "4096" },
      rounds: { type: "string", default: "5" },
      python: { type: "string", default: "python3" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (options.help) console.log(HELP);
  else {
    for (const tokens of positionals.length > 0 ? positionals : ["128", "512"]) {
      await measure(Number(tokens), {
        size: Number(options.size),
        rounds: Number(options.rounds),
        python: options.python,
      });
    }
  }
  Deno.exit();
}
