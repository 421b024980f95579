/**
 * A model of a billion weights from disk to disk: time, memory, sizes, and how it runs afterwards.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isPacked, loadModel, type Matrix } from "any4";
import { peakMemory } from "any4/measure";
import { duration, size } from "any4/show";
import { createBackend } from "../lib/compute/create_backend.ts";
import { formatOf } from "../lib/formats/formats.ts";
import { quantize } from "../lib/learn/quantize.ts";
import { scaleGroups } from "../lib/learn/scaling.ts";
import { ModelOnDisk } from "../lib/model/model_on_disk.ts";
import { makeSynthetic } from "./make_synthetic.ts";
import { median } from "../lib/measure/median.ts";
import { Peer } from "./peer.ts";

const HELP = `Quantizes a model of random weights from disk to disk, and measures what that takes.

Usage: deno run --allow-all bench/scale.ts [options]

  --folder F    where the model is, made if it is not there (/tmp/any4-scale/llama-3.2-1b, 2.5 GB)
  --shape NAME  its shape: see bench/make_synthetic.ts (llama-3.2-1b)
  --out F       where the result goes (the folder, and "-any4")
  --rows N      rows of each kind of matrix that scikit-learn clusters too (32)
  --rounds N    rounds of that, of which the median counts (3)
  --tokens N    tokens to decode (16)
  --with LIST   more options of the task quantize, as in "--target-bits 3.5"
  --python CMD  a Python with scikit-learn and joblib (python3)
  --only PART   quantize, cluster or decode; all when absent
  --help        this text
`;

const { values: options } = parseArgs({
  options: {
    folder: { type: "string", default: "/tmp/any4-scale/llama-3.2-1b" },
    shape: { type: "string", default: "llama-3.2-1b" },
    out: { type: "string" },
    rows: { type: "string", default: "32" },
    rounds: { type: "string", default: "3" },
    tokens: { type: "string", default: "16" },
    with: { type: "string", default: "" },
    python: { type: "string", default: "python3" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const { folder, out = `${folder}-any4` } = options;

/** Quantizes in a process of its own, as the task does. */
async function quantizeIt(): Promise<void> {
  const started = performance.now();
  const more = options.with.split(" ").filter((one) => one !== "");
  const task = ["run", "-A", "tasks/quantize.ts", "--backend", "wasm", "--json", "--model", folder];
  const process = new Deno.Command(Deno.execPath(), {
    args: [...task, "--out", out, ...more],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdout: "piped",
  }).spawn();
  // What the process has used is gone with it, so it is asked now and then.
  const read = (file: string) => Deno.readTextFileSync(`/proc/${process.pid}/${file}`);
  let [peak, ticks] = [0, 0];
  const timer = setInterval(() => {
    try {
      peak = Math.max(peak, 1024 * Number(/^VmHWM:\s*(\d+)/m.exec(read("status"))?.[1] ?? 0));
      const fields = read("stat").split(") ")[1]!.split(" ");
      ticks = Number(fields[11]) + Number(fields[12]);
    } catch {
      // It has just ended.
    }
  }, 200);
  const summary = await new Response(process.stdout).json();
  clearInterval(timer);
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `quantized: ${duration(seconds)} from start to end, ${duration(ticks / 100)} of processor time, ` +
      `peak resident memory (VmHWM) ${size(peak)}, ${summary.bitsPerWeight.toFixed(3)} bits per weight, ` +
      `${size(summary.originalBytes)} → ${summary.bytes} bytes as computed, ${summary.fileBytes} in files`,
  );
}

/** The first rows of each kind of matrix, of one width. */
function sample(model: ModelOnDisk, rows: number): Map<number, Matrix[]> {
  const samples = new Map<number, Matrix[]>();
  for (const linear of model.linears().filter((name) => name.startsWith("model.layers.0."))) {
    const weights = model.weights(linear);
    if (isPacked(weights)) throw new Error(`${linear} is packed`);
    const { cols } = weights;
    const part = { rows, cols, data: weights.data.slice(0, rows * cols) };
    samples.set(cols, [...samples.get(cols) ?? [], part]);
  }
  return samples;
}

/** The same rows by our exact learner and by scikit-learn, in turns. */
async function cluster(): Promise<void> {
  using model = await ModelOnDisk.open(folder, { backend: "plain" });
  using backend = await createBackend("wasm");
  for (const [cols, matrices] of sample(model, Number(options.rows))) {
    const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0);
    const data = new Float32Array(rows * cols);
    matrices.forEach((matrix, i) => data.set(matrix.data, i * matrix.data.length));
    const matrix = { rows, cols, data };
    // What columns are multiplied by: any positive numbers do, their spread is that of a normal activation's squares.
    const columnWeights = Float64Array.from({ length: cols }, (_, c) => 0.1 + Math.abs(Math.sin(c * c)));
    const stats = { tokens: 1, mean: columnWeights, meanAbs: columnWeights, meanSquare: columnWeights };
    const path = await Deno.makeTempFile();
    Deno.writeFileSync(path, scaledRows(matrix, columnWeights));
    const peer = new Peer(options.python, "kmeans_rows_peer.py", [path]);
    const { version, cores } = await peer.read<{ version: string; cores: number }>();
    const [ours, theirs]: number[][] = [[], []];
    for (let round = 0; round < Number(options.rounds); round++) {
      const start = performance.now();
      quantize(matrix, {
        format: "any4",
        groupSize: 128,
        weighting: "mean-abs",
        stats,
        steps: backend.steps,
      });
      ours!.push((performance.now() - start) / 1000);
      theirs!.push((await peer.ask<{ seconds: number }>("all")).seconds);
    }
    await peer.close();
    await Deno.remove(path);
    const [fast, slow] = [median(ours!), median(theirs!)];
    console.log(
      `${rows} rows of ${cols}: ours ${
        (rows / fast).toFixed(0)
      } rows/s (scaled, learned, rounded and packed), ` +
        `scikit-learn ${version} on ${cores} cores ${(rows / slow).toFixed(0)} rows/s (learned), ` +
        `${(slow / fast).toFixed(1)} times as long`,
    );
  }
}

/** Rows as any4's reference clusters them: scaled by groups, weighed by the column's importance and the scale. */
function scaledRows(matrix: Matrix, columnWeights: Float64Array): Uint8Array {
  const { rows, cols, data } = matrix;
  const { scales, zeros } = scaleGroups(matrix, { scaling: formatOf("any4").scaling, groupSize: 128 });
  const out = new Float32Array(2 + 2 * rows * cols);
  new Uint32Array(out.buffer, 0, 2).set([rows, cols]);
  const groups = Math.ceil(cols / 128);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const group = r * groups + (c >> 7);
      out[2 + 2 * r * cols + c] = (data[r * cols + c]! - zeros![group]!) / scales[group]!;
      out[2 + (2 * r + 1) * cols + c] = columnWeights[c]! * scales[group]!;
    }
  }
  return new Uint8Array(out.buffer);
}

/** Loads the result and decodes. */
async function decode(): Promise<void> {
  const started = performance.now();
  using model = await loadModel(out, { backend: "wasm" });
  const loaded = (performance.now() - started) / 1000;
  const tokens = Number(options.tokens);
  using session = model.session(tokens + 8);
  let [next] = (await session.likeliest([1, 2, 3], 1)).ids;
  const seconds: number[] = [];
  for (let i = 0; i < tokens; i++) {
    const start = performance.now();
    [next] = (await session.likeliest([next!], 1)).ids;
    seconds.push((performance.now() - start) / 1000);
  }
  console.log(
    `loaded in ${duration(loaded)}, decodes ${(1 / median(seconds)).toFixed(1)} tokens/s on wasm (median), ` +
      `${(1 / Math.min(...seconds)).toFixed(1)} at best, peak resident memory ${size(peakMemory())}`,
  );
}

if (options.help) {
  console.log(HELP);
  Deno.exit();
}
try {
  Deno.statSync(`${folder}/config.json`);
} catch {
  makeSynthetic(folder, options.shape);
}
const parts = { quantize: quantizeIt, cluster, decode };
for (const [name, run] of Object.entries(parts)) {
  if (options.only === undefined || options.only === name) await run();
}
