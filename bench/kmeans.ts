/**
 * How many rows a second k-means clusters, ours against scikit-learn's, and how good the clusters are.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ExactKMeans } from "../lib/learn/exact_kmeans.ts";
import type { Learner } from "../lib/learn/learner.ts";
import { Lloyd } from "../lib/learn/lloyd.ts";
import { Lcg } from "../tests/golden/lcg.ts";

const HELP = `Times weighted one-dimensional k-means on heavy-tailed rows.

Usage: deno run --allow-read --allow-run bench/kmeans.ts [options]

  --rows N      rows to cluster (64)
  --cols N      values in a row (4096)
  --bits N      bits of a code: 2^bits centroids (4)
  --rounds N    repetitions, of which the median counts (5)
  --python CMD  a Python with scikit-learn, numpy and joblib (python3)
  --help        this text

Contestants take turns within a round, so that a busy machine slows all alike. Ours run on one thread.
`;

interface Result {
  seconds: number;
  inertias: number[];
}

interface Contestant {
  name: string;
  run: () => Result | Promise<Result>;
}

/** Our learner on the rows, one thread. */
function ours(learner: Learner, rows: { values: Float64Array; weights: Float64Array }[], k: number): Result {
  const centroids = new Float64Array(k);
  const start = performance.now();
  const inertias = rows.map(({ values, weights }) => learner.fit(values, weights, centroids));
  return { seconds: (performance.now() - start) / 1000, inertias };
}

/** bench/kmeans_peer.py, kept running between rounds. */
class Peer {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #rest = "";

  constructor(python: string, args: number[]) {
    this.#process = new Deno.Command(python, {
      args: [fileURLToPath(new URL("./kmeans_peer.py", import.meta.url)), ...args.map(String)],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#writer = this.#process.stdin.getWriter();
  }

  /** The next line that it prints, as JSON. */
  async read<T>(): Promise<T> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) {
        const reason = (await new Response(this.#process.stderr).text()).trim().split("\n").at(-1);
        throw new Error(reason || "it ended early");
      }
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line);
  }

  async ask(what: "all" | "single"): Promise<Result> {
    await this.#writer.write(new TextEncoder().encode(`${what}\n`));
    return await this.read<Result>();
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#process.stderr.cancel();
    await this.#process.status;
  }
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

/** Starts scikit-learn, or says why it cannot. */
async function startPeer(
  python: string,
  args: number[],
): Promise<{ peer: Peer; contestants: Contestant[] } | string> {
  try {
    const peer = new Peer(python, args);
    const { version, cores } = await peer.read<{ version: string; cores: number }>();
    const contestants = [
      { name: `scikit-learn ${version}, joblib, ${cores} cores`, run: () => peer.ask("all") },
      { name: `scikit-learn ${version}, one thread`, run: () => peer.ask("single") },
    ];
    return { peer, contestants };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function main(args: string[]): Promise<void> {
  const { values: options } = parseArgs({
    args,
    options: {
      rows: { type: "string", default: "64" },
      cols: { type: "string", default: "4096" },
      bits: { type: "string", default: "4" },
      rounds: { type: "string", default: "5" },
      python: { type: "string", default: "python3" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (options.help) return console.log(HELP);
  const [rowCount, cols, bits, rounds] = (["rows", "cols", "bits", "rounds"] as const).map((name) => {
    const value = Number(options[name]);
    if (Number.isSafeInteger(value) && value >= 1) return value;
    throw new Error(`--${name} must be a whole number of at least 1, current value is ${options[name]}`);
  }) as [number, number, number, number];
  const k = 2 ** bits;
  const rows = Array.from({ length: rowCount }, (_, row) => {
    const lcg = new Lcg(1 + row);
    return {
      values: Float64Array.from(lcg.heavyTailed(cols)),
      weights: Float64Array.from(lcg.weights(cols)),
    };
  });

  const exact = new ExactKMeans(k);
  const lloyd = new Lloyd(k, { init: "k-means++" });
  const contestants: Contestant[] = [
    { name: "exact, one thread", run: () => ours(exact, rows, k) },
    { name: "Lloyd, one thread", run: () => ours(lloyd, rows, k) },
  ];
  const started = await startPeer(options.python, [rowCount, cols, k]);
  if (typeof started !== "string") contestants.push(...started.contestants);

  // The compiler needs a while to be done with our code; scikit-learn's is compiled, one round will do.
  for (const { run } of contestants.slice(0, 2)) {
    for (const start = performance.now(); performance.now() - start < 1000;) await run();
  }
  const results = contestants.map((): Result[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const result = await contestant.run();
      if (round >= 0) results[i]!.push(result);
    }
  }
  if (typeof started !== "string") await started.peer.close();

  const best = results[0]![0]!.inertias;
  console.log(`${rowCount} rows of ${cols} values, k = ${k}, median of ${rounds} rounds`);
  console.table(contestants.map(({ name }, i) => {
    const { inertias } = results[i]![0]!;
    return {
      learner: name,
      "rows/s": Number((rowCount / median(results[i]!.map(({ seconds }) => seconds))).toPrecision(3)),
      "Σ inertia / exact": (sum(inertias) / sum(best)).toFixed(4),
      "least, most on a row": [Math.min, Math.max].map((pick) =>
        pick(...inertias.map((inertia, row) => inertia / best[row]!)).toFixed(4)
      ).join(", "),
    };
  }));
  if (typeof started === "string") {
    console.log(`Without scikit-learn, which could not be started by "${options.python}": ${started}`);
  }
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
