/**
 * Writes a model of a real one's shape with random weights, to measure what does not depend on their values: time, memory,
 * sizes. Its tokenizer is tinyworld's, whose ids are among the larger vocabulary's.
 *
 *     deno run --allow-read --allow-write bench/make_synthetic.ts --out /tmp/llama-1b
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Random } from "../lib/random.ts";
import { fromFloat32 } from "../lib/matrix/dtype.ts";
import { writeCheckpoint } from "../lib/model/checkpoint/write_checkpoint.ts";
import { parseConfig } from "../lib/model/architectures/parse_config.ts";
import { layoutOf } from "../lib/model/architectures/mod.ts";
import { tensorsOf } from "../lib/model/decoder/layout.ts";
import { configOf, shapes } from "./shapes.ts";

/** Values that are made at a time. */
const CHUNK = 1 << 20;

/**
 * A tensor's values, BF16, a chunk at a time: normal numbers drawn from a table of a million, as large as a trained matrix's
 * are; norms are 1.
 */
function* values(count: number, options: { deviation: number; table: Float32Array; seed: number }) {
  const { deviation, table, seed } = options;
  // A linear congruential generator (Numerical Recipes) is quick, and random enough to draw from a table.
  let state = seed >>> 0;
  for (let done = 0; done < count; done += CHUNK) {
    const data = new Float32Array(Math.min(CHUNK, count - done));
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[i] = deviation * table[state >>> 12]!;
    }
    yield fromFloat32(data, "BF16");
  }
}

/** Writes a model of a shape. */
export function makeSynthetic(folder: string, shape: string): void {
  const config = configOf(shape);
  const random = new Random(1);
  const table = Float32Array.from({ length: 1 << 20 }, () => random.normal());
  const tensors = [...tensorsOf(layoutOf(parseConfig(config, "config.json"), () => false))]
    .filter(({ optional }) => !optional)
    .map(({ name, rows, cols }, i) => ({
      name,
      dtype: "BF16" as const,
      shape: rows === 1 ? [cols] : [rows, cols],
      data: () =>
        rows === 1
          ? fromFloat32(new Float32Array(cols).fill(1), "BF16")
          : values(rows * cols, { deviation: 1 / Math.sqrt(cols), table, seed: i + 1 }),
    }));
  writeCheckpoint(folder, {
    config,
    tensors,
    metadata: { format: "pt" },
    copyFrom: decodeURIComponent(new URL("../models/tinyworld", import.meta.url).pathname),
  });
}

if (import.meta.main) {
  const { values: options } = parseArgs({
    options: {
      out: { type: "string" },
      shape: { type: "string", default: "llama-3.2-1b" },
      help: { type: "boolean", default: false },
    },
  });
  if (options.help || !options.out || !shapes.includes(options.shape)) {
    console.error(`--out <folder> --shape <${shapes.join(" | ")}>`);
    Deno.exit(options.help ? 0 : 2);
  }
  makeSynthetic(options.out, options.shape);
  console.log(`${options.out} is a model of ${options.shape}'s shape with random weights.`);
}
