/**
 * Threads that run kernels over shared memory.
 *
 * @module
 */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { KernelError, OptionError } from "../../errors.ts";
import { Control, type Kernel, type Task } from "./control.ts";
import kernels from "./kernels.js";
import { type Arena, Arenas } from "./memory.ts";
import type { WorkerData } from "./worker.ts";

/** Options of a pool. */
export interface PoolOptions {
  /** Threads, the caller's included; one for each core when absent. */
  threads?: number;
  /** The kernels: functions that import env.memory, shared; the library's own when absent. */
  module?: WebAssembly.Module;
  /** Bytes of an arena at most; 4 GiB when absent. */
  arenaBytes?: number;
}

/** A kernel and what it is to run on: see {@linkcode Pool.run}. */
export interface KernelRun {
  readonly name: string;
  readonly args: readonly number[];
  readonly count: number;
  readonly grain?: number;
}

const namesOf = (runs: readonly KernelRun[]) => runs.map(({ name }) => name).join(", ");

/** What workers run. They start from files and data only; where the library came from elsewhere, data imports it. */
const WORKER = import.meta.url.startsWith("file:")
  ? new URL("./worker.ts", import.meta.url)
  : new URL(`data:text/javascript,import "${new URL("./worker.ts", import.meta.url)}";`);

/** Chunks for each thread, where the caller does not say how large one is: enough to even out threads of unequal speed. */
const CHUNKS_PER_THREAD = 4;

/**
 * Threads that run kernels over shared memory, the caller's among them.
 *
 * The others are started when there is first something to share, one after the other, and take part as soon as they are up;
 * until then the caller does it all. They keep no process alive.
 */
export class Pool implements Disposable {
  /** Threads at most, the caller's included. */
  readonly threads: number;
  readonly #module: WebAssembly.Module;
  readonly #indices: ReadonlyMap<string, number>;
  readonly #control = new Control();
  readonly #arenas: Arenas;
  readonly #known = new Map<Arena, { number: number; kernels: Kernel[] }>();
  /** A port to each worker. */
  readonly #started: MessagePort[] = [];
  #closed = false;
  /** Whether a job has been opened and not closed: a notebook's interrupt ends even what must be done last. */
  #interrupted = false;

  /**
   * Starts nothing yet.
   *
   * @throws {OptionError} when the number of threads is not a whole number of at least 1.
   * @throws {MemoryError} when the machine has no addresses left.
   */
  constructor(options: PoolOptions = {}) {
    this.threads = options.threads ?? navigator.hardwareConcurrency;
    if (!Number.isSafeInteger(this.threads) || this.threads < 1) {
      throw new OptionError(
        `Cannot start threads: their number must be a whole number of at least 1, current value is ${this.threads}`,
      );
    }
    this.#module = options.module ?? kernels;
    this.#indices = new Map(WebAssembly.Module.exports(this.#module).map(({ name }, i) => [name, i]));
    this.#arenas = new Arenas(options.arenaBytes);
  }

  /** Workers that have started. */
  get ready(): number {
    return this.#control.ready;
  }

  /** Bytes of its memory in use. */
  get bytes(): number {
    return this.#arenas.used;
  }

  /**
   * An arena with room for `bytes` bytes, a new one if there is none; without `bytes` the first, where activations are.
   *
   * @throws {MemoryError} when no arena can hold so much, or the machine has no addresses left.
   */
  arena(bytes?: number): Arena {
    return bytes === undefined ? this.#arenas.first : this.#arenas.withRoom(bytes);
  }

  /** Whether the arena is one of this pool's. */
  owns(arena: Arena): boolean {
    return this.#arenas.has(arena);
  }

  /**
   * Runs the kernel on all items: calls name(...args, from, to) for parts [from, to) of [0, count), on all threads, and
   * returns when all is done.
   *
   * @param arena where the addresses among the arguments are.
   * @param grain items of a part; no more than that many items stay on this thread.
   * @throws {KernelError} when there is no such kernel, or it traps; the pool can be used further.
   */
  run(arena: Arena, name: string, args: readonly number[], count: number, grain?: number): void {
    this.runAll(arena, [{ name, args, count, grain }]);
  }

  /**
   * Runs at most four kernels that do not wait for one another, each as {@linkcode Pool.run} does. What together is no more than
   * a part stays on this thread.
   */
  runAll(arena: Arena, runs: readonly KernelRun[]): void {
    const { number, kernels } = this.#known.get(arena) ?? this.#instantiate(arena);
    const tasks = runs.map(({ name, args, count, grain }): Task => {
      const kernel = this.#indices.get(name);
      if (kernel === undefined) {
        throw new KernelError(`Cannot run kernel ${name}: there is none of that name`);
      }
      const part = Math.max(1, Math.ceil(grain ?? count / (CHUNKS_PER_THREAD * this.threads)));
      return { kernel, args: [...args, 0, count], count, grain: part };
    });
    if (this.#closed) throw new KernelError(`Cannot run kernel ${namesOf(runs)}: its threads have ended`);
    const shared = this.threads > 1 && tasks.reduce((sum, { count, grain }) => sum + count / grain, 0) > 1;
    if (shared) this.#startAnother();
    if (this.#interrupted) {
      // What ran before was ended from outside, while workers may still be at it.
      this.#control.skip();
      this.#control.close();
      this.#interrupted = false;
    }
    let failure: string | undefined;
    let cause: unknown;
    try {
      if (shared && this.ready > 0) {
        this.#interrupted = true;
        this.#control.open({ arena: number, tasks });
        try {
          this.#control.work((kernel) => kernels[kernel]!);
        } finally {
          this.#control.skip();
          failure = this.#control.close();
          this.#interrupted = false;
        }
      } else {
        for (const { kernel, args } of tasks) kernels[kernel]!(...args);
      }
    } catch (error) {
      failure = String(cause = error);
    }
    if (failure !== undefined) throw new KernelError(`Kernel ${namesOf(runs)} failed: ${failure}`, { cause });
  }

  /** Lets the threads end, each once its part of the work is done. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#control.stop();
    for (const memories of this.#started) memories.close();
  }

  #instantiate(arena: Arena): { number: number; kernels: Kernel[] } {
    const { exports } = new WebAssembly.Instance(this.#module, { env: { memory: arena.memory } });
    const known = {
      number: this.#known.size,
      kernels: [...this.#indices.keys()].map((name) => exports[name] as Kernel),
    };
    this.#known.set(arena, known);
    for (const memories of this.#started) memories.postMessage(arena.memory);
    return known;
  }

  /** Starts one more worker, if there are to be more and the last one is up: to start one holds the caller up. */
  #startAnother(): void {
    const started = this.#started.length;
    if (started === this.threads - 1 || started > this.ready) return;
    const { port1: memories, port2 } = new MessageChannel();
    const workerData: WorkerData = { control: this.#control.buffer, module: this.#module, memories: port2 };
    for (const arena of this.#known.keys()) memories.postMessage(arena.memory);
    this.#started.push(memories);
    // What keeps a worker from starting costs speed only; the next waits for it in vain.
    const warn = (error: unknown) =>
      console.warn(`any4 computes on ${this.ready + 1} of ${this.threads} threads: ${error}`);
    try {
      const worker = new Worker(WORKER, { workerData, transferList: [port2] });
      worker.unref();
      worker.on("error", warn);
    } catch (error) {
      warn(error);
    }
  }
}

/** A pool that ends with its last user. */
class SharedPool extends Pool {
  static current: SharedPool | undefined;
  users = 0;

  override [Symbol.dispose](): void {
    if (--this.users > 0) return;
    super[Symbol.dispose]();
    SharedPool.current = undefined;
  }
}

/**
 * The process's own pool, a thread for each core. Each caller disposes of it once; the last one ends its threads and gives
 * its memory back.
 */
export function sharedPool(): Pool {
  const pool = SharedPool.current ??= new SharedPool();
  pool.users++;
  return pool;
}
