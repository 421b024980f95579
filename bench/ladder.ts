/**
 * The ladder of WGSL kernels: how fast each rung multiplies one matrix, beside our dense kernels and a plain copy.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { GpuLab } from "any4/compute";
import { table } from "any4/show";
import { ladderRace, type Sizes } from "./ladder_race.ts";

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
  using lab = await GpuLab.open();
  const bytes = Number(options.cold) * 2 ** 20;
  const results = await ladderRace(lab, sizes, { bytes, seconds: Number(options.seconds) });
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
