/**
 * A race of all kernels that multiply one matrix.
 *
 * @module
 */
import { copy } from "../kernels/wgsl/copy.ts";
import type { GpuJob, GpuLab } from "../lib/compute/webgpu/gpu_lab.ts";
import { ladder } from "../lib/compute/webgpu/ladder.ts";
import type { PackedMatrix } from "../lib/matrix/packed_matrix.ts";
import { randomWeight } from "../lib/measure/random_weight.ts";
import { Random } from "../lib/random.ts";

/** The sizes of a product. */
export interface Sizes {
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
export interface Result {
  readonly name: string;
  readonly milliseconds: number;
  /** Of the weights' bytes; the copy's, of what it reads and writes. */
  readonly gigabytesPerSecond: number;
  /** Multiplications and additions, 0 for the copy. */
  readonly gigaflops: number;
}

const random = new Random(5);
const halves = (n: number) => Float32Array.from({ length: n }, () => Math.f16round(random.normal()));

/** A packed matrix with a table for each row, or one for all: integers, which are a line. */
function packed({ rows, cols, bits, groupSize }: Sizes, shared: boolean): PackedMatrix {
  const format = shared || bits === 8 ? `int${bits}` : `any${bits}`;
  const weight = randomWeight({ rows, cols }, { format, groupSize, random }) as PackedMatrix;
  if (shared || bits < 8) return weight;
  return { ...weight, format: "table8", codebook: halves(rows * 256), codebookType: "f16" };
}

/** All that take part, the copy first. */
function contestants(lab: GpuLab, sizes: Sizes, bytes: number): Contestant[] {
  const { rows, cols, tokens, bits } = sizes;
  const options = { x: halves(tokens * cols), tokens, device: lab, halfProducts: true };
  const withBytes = (job: GpuJob & { name: string }): Contestant => ({
    ...job,
    // x is the first input.
    bytes: job.inputs.slice(1).reduce((sum, { byteLength }) => sum + byteLength, 0),
  });
  const isLine = ({ name }: { name: string }) =>
    name.startsWith("a line") || name.startsWith("7") && bits === 8;
  const rungs = ladder(packed(sizes, false), { ...options, int8Activations: true });
  const lines = ladder(packed(sizes, true), { ...options, int8Activations: true }).filter(isLine);
  const dense = ["f16", "f32"].flatMap((format) =>
    ladder(randomWeight({ rows, cols }, { format, random }), options)
  );
  const words = Math.min(bytes, 128 << 20) / 8;
  const copied: Contestant = {
    name: "copy",
    kernels: [copy({ words })],
    outputs: [words],
    inputs: [new Uint32Array(words)],
    bytes: 8 * words,
  };
  return [copied, ...[...rungs, ...lines, ...dense].map(withBytes)];
}

/**
 * Lets all kernels take turns: each rung for packed weights, our dense ones, and a copy, which comes first.
 *
 * @param options.bytes of copies of the weights that are cycled through, to be more than all caches.
 * @param options.seconds that all rounds take, of which the median counts.
 */
export async function ladderRace(
  lab: GpuLab,
  sizes: Sizes,
  { bytes, seconds }: { bytes: number; seconds: number },
): Promise<Result[]> {
  const all = contestants(lab, sizes, bytes);
  const times = await lab.race(all, { seconds, bytes });
  return all.map(({ name, bytes }, i) => {
    const operations = name === "copy" ? 0 : 2 * sizes.rows * sizes.cols * sizes.tokens;
    return {
      name,
      milliseconds: 1000 * times[i]!,
      gigabytesPerSecond: bytes / times[i]! / 1e9,
      gigaflops: operations / times[i]! / 1e9,
    };
  });
}
