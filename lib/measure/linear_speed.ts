/**
 * The time of one linear layer by number format, shape, tokens and backend (any4's microbenchmark).
 *
 * @module
 */
import { interruptible, turn } from "../event_loop.ts";
import type { Backend, Tensor } from "../compute/backend.ts";
import { OptionError } from "../errors.ts";
import { isPacked, storedBytes } from "../matrix/packed_matrix.ts";
import { Random } from "../random.ts";
import { median } from "./median.ts";
import { randomWeight } from "./random_weight.ts";

/** Options of {@linkcode linearSpeed}. */
export interface LinearSpeedOptions {
  /** out_features. */
  rows: number;
  /** in_features. */
  cols: number;
  /** Rows of x; 1, as when decoding, when absent. */
  tokens?: number;
  /** Number formats, "f32", "f16" and "bf16" among them; {@linkcode SPEED_FORMATS} when absent. */
  formats?: readonly string[];
  /** Columns that share a scale; the format's own when absent. */
  groupSize?: number | "row";
  /**
   * Bytes of weights used in turn, of all formats together; 256 MiB when absent, more than most caches. There is at least
   * one weight per format.
   */
  bytes?: number;
  /** Seconds for all rounds; 1 when absent. There are at least three rounds. */
  seconds?: number;
  /** Called with the part that is done, from 0 to 1. */
  onProgress?: (done: number) => void;
}

/** The speed of one format at one product: medians of rounds in which all formats take turns. */
export interface LinearSpeed {
  /** The format's name. */
  format: string;
  /** out_features. */
  rows: number;
  /** in_features. */
  cols: number;
  /** Rows of x. */
  tokens: number;
  /** Columns that share a scale; absent if weights are not packed. */
  groupSize?: number;
  /** Seconds per product. */
  seconds: number;
  /** Bytes of the weight as stored: codes, scales, zeros and codebooks. */
  weightBytes: number;
  /** The least bytes that a product reads and writes: the weight, x and out. */
  bytes: number;
  /** bytes / seconds. */
  bytesPerSecond: number;
  /** The bandwidth of the backend's memory in bytes a second; absent if the backend cannot measure it. */
  bandwidth?: number;
  /** bytesPerSecond / bandwidth. */
  share?: number;
  /** Multiplications and additions a second: 2 · rows · cols · tokens / seconds. */
  flops: number;
  /** f16's seconds / seconds; absent if f16 is not among the formats. */
  speedup?: number;
  /** The number of weights used in turn. */
  copies: number;
  /** Whether weights came from memory: all formats' together were at least 256 MiB. */
  cold: boolean;
  /** Rounds, of which the median counts. */
  rounds: number;
}

/** The default formats of {@linkcode linearSpeed}. */
export const SPEED_FORMATS: readonly string[] = ["f16", "any4", "any3", "any2", "int4", "nf4"];

/** A size in bytes that exceeds most caches. */
const COLD_BYTES = 256 << 20;

/** The largest number of weights of a format, as a device limits the work submitted at once. */
const MOST_COPIES = 256;

/** Rounds at least. */
const LEAST_ROUNDS = 3;

/** Each backend's bandwidth, measured once. */
const bandwidths = new WeakMap<Backend, Promise<number> | undefined>();

/**
 * Times out = x · Wᵀ for each of some formats. Weights are random and packed without learning; every format has several,
 * used in turn, so that they come from memory as they do in a model.
 *
 * @returns one result per format, in the order given.
 * @throws {OptionError} when a format is unknown or an option out of range.
 *
 * @example
 * ```ts
 * import { createBackend } from "any4/compute";
 * import { linearSpeed } from "any4/measure";
 * import { assert, assertEquals } from "@std/assert";
 * using backend = await createBackend("wasm");
 * const options = { rows: 512, cols: 512, formats: ["f16", "any4"], bytes: 2 ** 22, seconds: 0.1 };
 * const [f16, any4] = await linearSpeed(backend, options);
 * assertEquals([f16!.format, any4!.format], ["f16", "any4"]);
 * assert(any4!.seconds > 0 && any4!.bytesPerSecond > 0);
 * ```
 */
export function linearSpeed(backend: Backend, options: LinearSpeedOptions): Promise<LinearSpeed[]> {
  return interruptible(() => race(backend, options));
}

async function race(backend: Backend, options: LinearSpeedOptions): Promise<LinearSpeed[]> {
  const { rows, cols, tokens = 1, formats = SPEED_FORMATS, bytes = COLD_BYTES, seconds = 1, onProgress } =
    options;
  for (const [name, value] of Object.entries({ rows, cols, tokens })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new OptionError(
        `Cannot time a linear: ${name} must be a whole number of at least 1, current value is ${value}`,
      );
    }
  }
  const random = new Random(1);
  const contestants = formats.map((format) => {
    const make = () => randomWeight({ rows, cols }, { format, groupSize: options.groupSize, random });
    const first = make();
    const wanted = Math.ceil(bytes / formats.length / storedBytes(first));
    const matrices = [first];
    while (matrices.length < Math.min(wanted, MOST_COPIES)) matrices.push(make());
    const weights = matrices.map((matrix) => backend.weight(matrix));
    return { format, matrices, weights, next: 0, estimate: Infinity, times: [] as number[] };
  });
  const all = contestants.flatMap(({ matrices }) => matrices).reduce((sum, it) => sum + storedBytes(it), 0);
  const [x, out] = [activations(backend, { tokens, cols, random }), backend.tensor(tokens, rows)];
  /** Seconds a product: those of as many weights, going on where the last pass ended, as there is time for. */
  const pass = async (contestant: typeof contestants[0]) => {
    const { weights, estimate } = contestant;
    const time = seconds / formats.length / LEAST_ROUNDS;
    const count = Math.min(weights.length, Math.floor(time / estimate) || 1);
    const taken = await backend.seconds(() => {
      for (let i = 0; i < count; i++) {
        backend.linear(out, x, { weight: weights[contestant.next++ % weights.length]! });
      }
    });
    return contestant.estimate = taken / count;
  };
  if (!bandwidths.has(backend)) bandwidths.set(backend, backend.bandwidth?.());
  const bandwidth = await bandwidths.get(backend);

  await rounds(contestants, {
    seconds: seconds / 4,
    least: 2,
    async each(contestant) {
      await pass(contestant);
      // Some backends choose their kernels at the first read.
      await backend.read(out);
    },
  });
  await rounds(contestants, {
    seconds,
    least: LEAST_ROUNDS,
    each: async (contestant) => void contestant.times.push(await pass(contestant)),
    onProgress,
  });

  for (const { matrices } of contestants) for (const matrix of matrices) backend.forget?.(matrix);
  for (const tensor of [x, out]) backend.free?.(tensor);
  const half = contestants.find(({ format }) => format === "f16");
  return contestants.map(({ format, matrices, times }) => {
    const matrix = matrices[0]!;
    const taken = median(times);
    const weightBytes = storedBytes(matrix);
    const moved = weightBytes + 4 * tokens * (rows + cols);
    return {
      format,
      rows,
      cols,
      tokens,
      ...(isPacked(matrix) ? { groupSize: matrix.groupSize } : {}),
      seconds: taken,
      weightBytes,
      bytes: moved,
      bytesPerSecond: moved / taken,
      ...(bandwidth === undefined ? {} : { bandwidth, share: moved / taken / bandwidth }),
      flops: 2 * rows * cols * tokens / taken,
      ...(half ? { speedup: median(half.times) / taken } : {}),
      copies: matrices.length,
      cold: all >= COLD_BYTES,
      rounds: times.length,
    };
  });
}

/** A tensor of normal random numbers, [tokens, cols]. */
function activations(
  backend: Backend,
  { tokens, cols, random }: { tokens: number; cols: number; random: Random },
): Tensor {
  const x = backend.tensor(tokens, cols);
  backend.write(x, Float32Array.from({ length: tokens * cols }, () => random.normal()));
  return x;
}

/** Runs all in turn until the time is over, so that a busy machine slows them alike. */
async function rounds<Contestant>(
  contestants: readonly Contestant[],
  { seconds, least, each, onProgress }: {
    seconds: number;
    least: number;
    each: (contestant: Contestant) => Promise<void>;
    onProgress?: (done: number) => void;
  },
): Promise<void> {
  const start = performance.now();
  const part = () => (performance.now() - start) / 1000 / seconds;
  for (let round = 0; round < least || part() < 1; round++) {
    for (const [i, contestant] of contestants.entries()) {
      await each(contestant);
      const done = (round + (i + 1) / contestants.length) / least;
      onProgress?.(Math.min(1, done, part()));
    }
    // Between rounds, progress is drawn and waiting threads start.
    await turn();
  }
}
