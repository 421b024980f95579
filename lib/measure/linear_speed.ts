/**
 * How long one linear layer takes: by number format, shape, tokens and backend (any4's microbenchmark).
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

/** Which products are timed, and how. */
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
   * Bytes of weights that take turns, all formats together; 256 MiB, more than most caches hold, when absent. There is one
   * weight a format at least.
   */
  bytes?: number;
  /** Seconds that the rounds may take: 1 when absent. There are three rounds at least. */
  seconds?: number;
  /** Is told how much is done, of 1. */
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
  /** Columns that share a scale; absent where weights are not packed. */
  groupSize?: number;
  /** Seconds a product. */
  seconds: number;
  /** Bytes of the weight as stored: codes, scales, zeros and codebooks. */
  weightBytes: number;
  /** Bytes that a product reads and writes at least: the weight, x and out. */
  bytes: number;
  /** bytes / seconds. */
  bytesPerSecond: number;
  /** Bytes a second that the backend's memory gives at most; absent where the backend cannot say. */
  bandwidth?: number;
  /** bytesPerSecond / bandwidth. */
  share?: number;
  /** Multiplications and additions a second: 2 · rows · cols · tokens / seconds. */
  flops: number;
  /** f16's seconds / seconds; absent where f16 is not among the formats. */
  speedup?: number;
  /** Weights that took turns. */
  copies: number;
  /** Whether weights came from memory: all formats' together were at least 256 MiB. */
  cold: boolean;
  /** Rounds, of which the median counts. */
  rounds: number;
}

/** The formats whose speed is measured unless others are named. */
export const SPEED_FORMATS: readonly string[] = ["f16", "any4", "any3", "any2", "int4", "nf4"];

/** Bytes of weights from which on few caches hold them. */
const COLD_BYTES = 256 << 20;

/** Weights of a format at most: what a device is given to do at a time has an end. */
const MOST_COPIES = 256;

/** Rounds at least. */
const LEAST_ROUNDS = 3;

/** Each backend's bandwidth, measured once. */
const bandwidths = new WeakMap<Backend, Promise<number> | undefined>();

/**
 * Times out = x · Wᵀ for each of some formats. Weights are random and packed without learning; every format has several,
 * used in turn, so that they come from memory as they do in a model.
 *
 * @returns a result a format, in the order given.
 * @throws {OptionError} when a format is unknown or an option out of range.
 *
 * @example
 * ```ts
 * import { createBackend, linearSpeed } from "any4";
 * using backend = await createBackend("wasm");
 * const options = { rows: 512, cols: 512, formats: ["f16", "any4"], bytes: 2 ** 22, seconds: 0.1 };
 * for (const { format, seconds, bytesPerSecond } of await linearSpeed(backend, options)) {
 *   console.log(format, 1e6 * seconds, "µs", bytesPerSecond / 1e9, "GB/s");
 * }
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
      // Some backends choose their kernels when something is read.
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

/** Normal numbers as a backend keeps them, [tokens, cols]. */
function activations(
  backend: Backend,
  { tokens, cols, random }: { tokens: number; cols: number; random: Random },
): Tensor {
  const x = backend.tensor(tokens, cols);
  backend.write(x, Float32Array.from({ length: tokens * cols }, () => random.normal()));
  return x;
}

/** Lets all take turns until the time is over, so that a busy machine slows them alike. */
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
    // Between rounds, that is: progress is drawn, and threads that wait for it start.
    await turn();
  }
}
