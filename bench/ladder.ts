/**
 * The ladder of WGSL kernels: how fast each rung multiplies one matrix, beside our dense kernels and a plain copy.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type GpuJob, GpuLab, ladder } from "any4/compute";
import { Random } from "any4/learn";
import { table } from "any4/show";
import { copy } from "../kernels/wgsl/copy.ts";
import type { PackedMatrix } from "../lib/matrix/packed_matrix.ts";

const HELP = `Times the ladder of WGSL kernels: one matrix times a few tokens or many.

Usage: deno run --allow-read --allow-env bench/ladder.ts [options]

  --rows N     rows of the matrix (4096)
  --cols N     its columns (4096)
  --bits N     bits of a code: 2, 3, 4 or 8 (4)
  --group N    columns that share a scale (128)
  --tokens N   tokens (1)
  --seconds N  seconds that all rounds take, of which the median counts (20)
  --cold N     megabytes of copies of the weights that are cycled through, to be more than all caches (256)
  --json       print JSON
  --help       this text

Contestants take turns within a round, so that a busy machine slows all alike. Times are the GPU's own where it has
timestamp queries. GB/s count the bytes of the weights; the copy's, what it reads and writes.
`;

/** The sizes of a product. */
interface Sizes {
  readonly rows: number;
  readonly cols: number;
  readonly bits: 2 | 3 | 4 | 8;
  readonly groupSize: number;
  readonly tokens: number;
}

/** A job, and the bytes of the weights that it reads. */
interface Contestant extends GpuJob {
  readonly name: string;
  readonly bytes: number;
}

/** A contestant's result. */
interface Result {
  readonly name: string;
  readonly milliseconds: number;
  readonly gigabytesPerSecond: number;
  /** Multiplications and additions, 0 for the copy. */
  readonly gigaflops: number;
}

const random = new Random(5);
const normal = (n: number) => Float32Array.from({ length: n }, () => Math.f16round(random.normal()));

/** A random packed matrix; the values do not matter to speed, so nothing is learned. */
function packed({ rows, cols, bits, groupSize }: Sizes, shared: boolean): PackedMatrix {
  const groups = rows * Math.ceil(cols / groupSize);
  return {
    format: `table${bits}`,
    bits,
    rows,
    cols,
    groupSize,
    codes: Uint32Array.from({ length: rows * Math.ceil(cols / 32) * bits }, () => random.next() * 2 ** 32),
    scales: normal(groups),
    zeros: normal(groups),
    codebook: shared ? Float32Array.from({ length: 2 ** bits }, (_, i) => i) : normal(rows * 2 ** bits),
    scaleType: "f16",
    codebookType: shared ? "fixed" : "f16",
  };
}

/** All that take part, the copy first. */
function contestants(lab: GpuLab, { sizes, cold }: { sizes: Sizes; cold: number }): Contestant[] {
  const { rows, cols, tokens, bits } = sizes;
  const options = { x: normal(tokens * cols), tokens, device: lab, halfProducts: true };
  const withBytes = (job: GpuJob & { name: string }): Contestant => ({
    ...job,
    // x is the first input.
    bytes: job.inputs.slice(1).reduce((sum, { byteLength }) => sum + byteLength, 0),
  });
  const isLine = ({ name }: { name: string }) =>
    name.startsWith("a line") || name.startsWith("7") && bits === 8;
  const rungs = ladder(packed(sizes, false), { ...options, int8Activations: true });
  const lines = ladder(packed(sizes, true), { ...options, int8Activations: true }).filter(isLine);
  const dense = (["F16", "F32"] as const).flatMap((dtype) => {
    const data = Float32Array.from({ length: rows * cols }, () => Math.floor(16 * random.next()) - 8);
    return ladder({ rows, cols, data, dtype }, options);
  });
  const words = cold / 8;
  const copied: Contestant = {
    name: "copy",
    kernels: [copy({ words })],
    outputs: [words],
    inputs: [new Uint32Array(words)],
    bytes: 8 * words,
  };
  return [copied, ...[...rungs, ...lines, ...dense].map(withBytes)];
}

/** Lets contestants take turns. */
async function race(
  lab: GpuLab,
  { all, sizes, ...options }: {
    all: readonly Contestant[];
    sizes: Sizes;
    seconds: number;
    cold: number;
  },
): Promise<Result[]> {
  const seconds = await lab.race(all, { seconds: options.seconds, bytes: options.cold });
  return all.map(({ name, bytes }, i) => {
    const operations = name === "copy" ? 0 : 2 * sizes.rows * sizes.cols * sizes.tokens;
    return {
      name,
      milliseconds: 1000 * seconds[i]!,
      gigabytesPerSecond: bytes / seconds[i]! / 1e9,
      gigaflops: operations / seconds[i]! / 1e9,
    };
  });
}

async function main(args: string[]): Promise<void> {
  const text = (value: string) => ({ type: "string", default: value }) as const;
  const { values: options } = parseArgs({
    args,
    options: {
      rows: text("4096"),
      cols: text("4096"),
      bits: text("4"),
      group: text("128"),
      tokens: text("1"),
      seconds: text("20"),
      cold: text("256"),
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (options.help) return console.log(HELP);
  const sizes: Sizes = {
    rows: Number(options.rows),
    cols: Number(options.cols),
    bits: Number(options.bits) as Sizes["bits"],
    groupSize: Number(options.group),
    tokens: Number(options.tokens),
  };
  const cold = Number(options.cold) * 2 ** 20;
  using lab = await GpuLab.open();
  const all = contestants(lab, { sizes, cold: Math.min(cold, 128 << 20) });
  const results = await race(lab, { all, sizes, cold, seconds: Number(options.seconds) });
  const bandwidth = results[0]!.gigabytesPerSecond;
  const dense = results.find(({ name }) => name === "dense f16")!.milliseconds;
  const { description, software } = lab;
  const exact = lab.features.has("timestamp-query");
  if (options.json) {
    return console.log(
      JSON.stringify({ device: description, software, exact, ...sizes, results }),
    );
  }
  console.log(
    `${description}, ${sizes.rows}×${sizes.cols}, ${sizes.bits} bits in groups of ${sizes.groupSize}, ` +
      `${sizes.tokens} token(s), medians of rounds in ${options.seconds} s`,
  );
  if (software) console.log("This GPU is software: only ratios mean something, and they are not a GPU's.");
  if (!exact) console.log("It has no timestamp queries: times include the way there and back.");
  console.log(table(
    [
      { title: "kernel" },
      ...["ms", "GFLOP/s", "GB/s", "of the copy", "dense f16's time / its own"].map((title) =>
        ({ title, align: "right" }) as const
      ),
    ],
    results.map(({ name, milliseconds, gigabytesPerSecond, gigaflops }) => [
      name,
      milliseconds.toPrecision(3),
      name === "copy" ? "" : gigaflops.toPrecision(3),
      gigabytesPerSecond.toPrecision(3),
      `${(100 * gigabytesPerSecond / bandwidth).toFixed(0)} %`,
      name === "copy" ? "" : (dense / milliseconds).toFixed(2),
    ]),
  ));
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
