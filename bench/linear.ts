/**
 * Who multiplies activations by a weight matrix, and how they take turns at it.
 *
 * @module
 */
import type { Backend, Tensor, Weight } from "../lib/compute/backend.ts";
import { WasmBackend, type WasmOptions } from "../lib/compute/wasm/backend.ts";
import { readBandwidth } from "../lib/compute/wasm/bandwidth.ts";
import { Pool } from "../lib/compute/wasm/pool.ts";
import { storedBytes } from "../lib/matrix/packed_matrix.ts";
import { randomWeight } from "../lib/measure/random_weight.ts";
import { Random } from "../lib/random.ts";
import { Peer } from "./peer.ts";

/** Sizes of a product: [tokens, size] by [size, size]ᵀ. */
export interface Product {
  readonly tokens: number;
  readonly size: number;
}

/** Someone who multiplies. */
export interface Contestant {
  readonly name: string;
  readonly threads: number;
  /** Bytes of weights that a product reads; unknown when absent. */
  readonly bytes?: number;
  /** Multiplies `repeats` times. @returns seconds each. */
  readonly run: (repeats: number) => number | Promise<number>;
}

const random = new Random(3);

function tensor(backend: Backend, { tokens, size }: Product): Tensor {
  const x = backend.tensor(tokens, size);
  backend.write(x, Float32Array.from({ length: tokens * size }, () => random.normal()));
  return x;
}

/** Our kinds of weights on so many threads, and what this machine can do at most. */
export async function ours(
  product: Product,
  threads: number,
): Promise<{ contestants: Contestant[]; limits: Limits }> {
  const pool = new Pool({ threads });
  const limits = new Limits(pool);
  for (let tries = 0; pool.ready < threads - 1 && tries < 100; tries++) {
    limits.flops();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const contestant = (kind: string, options: WasmOptions = {}): Contestant => {
    const backend = new WasmBackend(pool, options);
    const matrix = randomWeight({ rows: product.size, cols: product.size }, { format: kind });
    const weight: Weight = backend.weight(matrix);
    const [x, out] = [tensor(backend, product), backend.tensor(product.tokens, product.size)];
    return {
      name: `any4-deno, ${kind}${options.activations ? `, ${options.activations} activations` : ""}`,
      threads,
      bytes: storedBytes(matrix),
      run(repeats) {
        const start = performance.now();
        for (let i = 0; i < repeats; i++) backend.linear(out, x, { weight });
        return (performance.now() - start) / 1000 / repeats;
      },
    };
  };
  const contestants = (["any4", "any3", "any2", "f32", "f16", "bf16"] as const).map((kind) =>
    contestant(kind)
  );
  if (product.tokens < 8) {
    const rounded = (["f32", "int8"] as const).map((activations) => contestant("any4", { activations }));
    contestants.splice(1, 0, ...rounded);
  }
  return { contestants, limits };
}

/** What the machine can do at most. */
export class Limits {
  readonly #pool: Pool;
  /** A number to multiply. */
  readonly #number: number;

  /** @param pool the threads that are to be measured. */
  constructor(pool: Pool) {
    this.#pool = pool;
    const arena = pool.arena();
    this.#number = arena.allocate(4);
    new Float32Array(arena.memory.buffer, this.#number, 1)[0] = 1;
  }

  /** Multiplications and additions a second. */
  flops(): number {
    const [items, each] = [1e6, 96];
    return items * each / this.#time("multiplyAdd", [this.#number], items);
  }

  /** Bytes read a second, from memory or, of a piece that stays there, from the cache. */
  bandwidth(bytes?: number): Promise<number> {
    return readBandwidth(this.#pool, bytes);
  }

  /** Seconds of the best of some runs: a limit is what is possible. */
  #time(kernel: string, args: number[], count: number): number {
    let best = Infinity;
    for (let i = 0; i < 20; i++) {
      const start = performance.now();
      this.#pool.run(this.#pool.arena(), kernel, args, count, Math.ceil(count / 16 / this.#pool.threads));
      best = Math.min(best, (performance.now() - start) / 1000);
    }
    return best;
  }
}

/** The peers that bench/linear_peer.py finds; a sentence for each that it does not. */
export async function peers(
  python: string,
  product: Product,
): Promise<{ contestants: Contestant[]; missing: string[]; close: () => Promise<void> }> {
  try {
    const peer = new Peer(python, "./linear_peer.py", [String(product.tokens), String(product.size)]);
    const { names, missing } = await peer.read<{ names: [string, number][]; missing: string[] }>();
    const contestants = names.map(([name, threads], i): Contestant => ({
      name,
      threads,
      run: async (repeats) => (await peer.ask<{ seconds: number }>(`${i} ${repeats}`)).seconds,
    }));
    return { contestants, missing, close: () => peer.close() };
  } catch (error) {
    const missing = [`Python's contestants: "${python}" could not be started: ${(error as Error).message}`];
    return { contestants: [], missing, close: () => Promise.resolve() };
  }
}

/** Lets contestants take turns, so that a busy machine slows all alike. @returns the seconds of each round for each. */
export async function race(
  contestants: readonly Contestant[],
  options: { rounds: number; repeats: number },
): Promise<number[][]> {
  const seconds = contestants.map((): number[] => []);
  // The first rounds let compilers and threads come up.
  for (let round = -3; round < options.rounds; round++) {
    for (const [i, { run }] of contestants.entries()) {
      // Threads of the one before may still be spinning: onnxruntime's do for more than 20 ms.
      await new Promise((resolve) => setTimeout(resolve, 50));
      await run(1);
      const taken = await run(options.repeats);
      if (round >= 0) seconds[i]!.push(taken);
    }
  }
  return seconds;
}
