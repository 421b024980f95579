/**
 * How many rows a second k-means clusters, ours against scikit-learn's, and how good the clusters are.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Pool } from "../lib/compute/wasm/pool.ts";
import { WasmSteps } from "../lib/compute/wasm/quantize_steps.ts";
import { ExactKMeans } from "../lib/learn/exact_kmeans.ts";
import type { Learner } from "../lib/learn/learner.ts";
import { Lloyd } from "../lib/learn/lloyd.ts";
import type { QuantizeSteps, ScaledMatrix } from "../lib/learn/quantize_steps.ts";
import { Lcg } from "../tests/golden/lcg.ts";
import { median } from "../lib/measure/median.ts";
import { Peer } from "./peer.ts";

const HELP = `Times weighted one-dimensional k-means on heavy-tailed rows.

Usage: deno run --allow-read --allow-run bench/kmeans.ts [options]

  --rows N      rows to cluster (256)
  --cols N      values in a row (4096)
  --bits N      bits of a code: 2^bits centroids (4)
  --rounds N    repetitions, of which the median counts (5)
  --python CMD  a Python with scikit-learn, numpy and joblib (python3)
  --help        this text

Contestants take turns within a round, so that a busy machine slows all alike.
`;

interface Result {
  seconds: number;
  inertias: number[];
}

interface Contestant {
  name: string;
  run: () => Result | Promise<Result>;
}

/** Rows of values that are learned from, with weights that all share. */
interface Rows {
  readonly values: Float64Array[];
  readonly weights: Float64Array;
}

/** A learner of a row at a time. */
function onRows(learner: Learner, { values, weights }: Rows, k: number): Result {
  const centroids = values.map(() => new Float64Array(k));
  const start = performance.now();
  values.forEach((row, r) => learner.fit(row, weights, centroids[r]!));
  const seconds = (performance.now() - start) / 1000;
  return { seconds, inertias: values.map((row, r) => inertia(row, weights, centroids[r]!)) };
}

/** Who learns from all rows at once, as quantization does: copying rows and tables counts too. */
function onMatrix(steps: QuantizeSteps, { values, weights }: Rows, bits: number): Result {
  const [rows, cols] = [values.length, weights.length];
  const data = new Float32Array(rows * cols);
  values.forEach((row, r) => data.set(row, r * cols));
  const scales = new Float32Array(rows).fill(1);
  const scaled: ScaledMatrix = { matrix: { rows, cols, data }, groupSize: cols, scales, zeros: null };
  const learning = { tables: rows, scalePower: 0, type: "f32" } as const;
  const start = performance.now();
  const tables = steps.learn(scaled, { ...learning, bits, columnWeights: weights });
  const seconds = (performance.now() - start) / 1000;
  const table = (r: number) => Float64Array.from(tables.subarray(r << bits, (r + 1) << bits));
  return { seconds, inertias: values.map((row, r) => inertia(row, weights, table(r))) };
}

/** Σ weight · (value − nearest centroid)². */
function inertia(values: Float64Array, weights: Float64Array, centroids: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    let least = Infinity;
    for (let c = 0; c < centroids.length; c++) least = Math.min(least, Math.abs(values[i]! - centroids[c]!));
    sum += weights[i]! * least * least;
  }
  return sum;
}

const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

/** Starts scikit-learn, or says why it cannot. */
async function startPeer(
  python: string,
  args: number[],
): Promise<{ peer: Peer; contestants: Contestant[] } | string> {
  try {
    const peer = new Peer(python, "./kmeans_peer.py", args.map(String));
    const { version, cores } = await peer.read<{ version: string; cores: number }>();
    const contestants = [
      { name: `scikit-learn ${version}, joblib, ${cores} cores`, run: () => peer.ask<Result>("all") },
      { name: `scikit-learn ${version}, one thread`, run: () => peer.ask<Result>("single") },
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
      rows: { type: "string", default: "256" },
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
  const rows = {
    values: Array.from(
      { length: rowCount },
      (_, row) => Float64Array.from(new Lcg(1 + row).heavyTailed(cols)),
    ),
    weights: Float64Array.from(new Lcg(0).weights(cols)),
  };

  const exact = new ExactKMeans(k);
  const lloyd = new Lloyd(k, { init: "k-means++" });
  using single = new Pool({ threads: 1 });
  using pool = new Pool();
  const contestants: Contestant[] = [
    { name: "exact, TypeScript, one thread", run: () => onRows(exact, rows, k) },
    { name: "exact, WASM, one thread", run: () => onMatrix(new WasmSteps(single), rows, bits) },
    { name: `exact, WASM, ${pool.threads} threads`, run: () => onMatrix(new WasmSteps(pool), rows, bits) },
    { name: "Lloyd, TypeScript, one thread", run: () => onRows(lloyd, rows, k) },
  ];
  const ours = contestants.slice();
  const started = await startPeer(options.python, [rowCount, cols, k]);
  if (typeof started !== "string") contestants.push(...started.contestants);

  // The compiler needs a while to be done with our code, and threads to start; scikit-learn is ready, one round will do.
  for (const { run } of ours) {
    for (const start = performance.now(); performance.now() - start < 1000;) {
      await run();
      await new Promise((resolve) => setTimeout(resolve));
    }
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
