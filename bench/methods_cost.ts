/**
 * What methods cost in processor time, of all threads together, and in memory on a Llama-3.2-1B, from some rows of each shape of its Linears: what is done once a matrix
 * (E[x xᵀ]'s factor) is timed as it is, what is done for each row is timed on a few.
 *
 * ```sh
 * deno run --allow-read --allow-env --allow-sys bench/methods_cost.ts
 * ```
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { type MethodOptions, parseMethod, quantize, Random } from "any4/learn";
import { peakMemory } from "any4/measure";
import { duration, size, table } from "any4/show";
import { createBackend } from "../lib/compute/create_backend.ts";
import type { InputStats } from "../lib/learn/input_stats.ts";

/** Rows, columns and how many of the model have them. */
const SHAPES = [[2048, 2048, 32], [512, 2048, 32], [8192, 2048, 32], [2048, 8192, 16]] as const;

const { values: options } = parseArgs({
  options: {
    methods: { type: "string", default: "kmeans,gptq,lnq" },
    format: { type: "string", default: "any4" },
    rows: { type: "string", default: "32" },
    columns: { type: "string", default: "2048,8192" },
    threads: { type: "string", default: "2" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(
    "Usage: bench/methods_cost.ts [--methods kmeans,gptq,lnq] [--format any4] [--rows 32] [--columns 2048,8192] [--threads 2]\n" +
      "--rows N: rows that are timed, and twice as many",
  );
  Deno.exit();
}

const random = new Random(1);

/** Statistics of inputs whose neighbouring columns go together: E[x xᵀ] = 0.8^|i − j|, some columns larger. */
function statsOf(cols: number): InputStats {
  const factor = (c: number) => c % 100 === 3 ? 10 : 1;
  const gram = new Float32Array(cols * cols);
  for (let i = 0; i < cols; i++) {
    for (let j = 0; j < cols; j++) gram[i * cols + j] = factor(i) * factor(j) * 0.8 ** Math.abs(i - j);
  }
  const meanSquare = Float64Array.from({ length: cols }, (_, c) => gram[c * (cols + 1)]!);
  return { tokens: 8192, mean: new Float64Array(cols), meanAbs: meanSquare.map(Math.sqrt), meanSquare, gram };
}

using backend = await createBackend("wasm", { threads: Number(options.threads) });
const { steps } = backend;
const some = Number(options.rows);
const seconds = new Map<string, number>();
{
  // Kernels are compiled when they are first called.
  const stats = statsOf(128);
  const matrix = {
    rows: 64,
    cols: 128,
    data: Float32Array.from({ length: 64 * 128 }, () => random.normal()),
  };
  for (const name of options.methods.split(",")) {
    quantize(matrix, { format: options.format, method: parseMethod(name), stats, steps });
  }
}
for (const cols of options.columns.split(",").map(Number)) {
  const stats = statsOf(cols);
  const data = Float32Array.from({ length: 2 * some * cols }, () => random.normal());
  for (const name of options.methods.split(",")) {
    const method: MethodOptions = parseMethod(name);
    const timed = (rows: number) => {
      const before = process.cpuUsage();
      quantize({ rows, cols, data: data.subarray(0, rows * cols) }, {
        format: options.format,
        method,
        stats,
        steps,
      });
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    };
    const [few, more] = [timed(some), timed(2 * some)];
    const row = Math.max(0, more - few) / some;
    const once = Math.max(0, few - some * row);
    for (const [rows, width, count] of SHAPES) {
      if (width === cols) seconds.set(name, (seconds.get(name) ?? 0) + count * (once + rows * row));
    }
    console.error(
      `${name}, ${cols} columns: ${once.toFixed(2)} s a matrix, ${(1000 * row).toFixed(2)} ms a row`,
    );
  }
}
const first = [...seconds.values()][0]!;
console.log(table(
  [{ title: "method" }, { title: "processor time of a Llama-3.2-1B", align: "right" }, {
    title: "to the first",
    align: "right",
  }],
  [...seconds].map(([name, all]) => [name, duration(all), (all / first).toFixed(1)]),
));
console.log(`peak memory: ${size(peakMemory())}`);
