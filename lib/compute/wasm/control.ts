/**
 * The state that a pool's threads share beside their memory: the current job and its workers.
 *
 * @module
 */

/** A kernel: args, then the part [from, to) of its items. */
export type Kernel = (...args: number[]) => void;

/** One kernel's work on some items. */
export interface Task {
  /** Index of the kernel among the module's exports. */
  readonly kernel: number;
  /** The kernel's arguments; the last two are a chunk's, and written anew for each. */
  readonly args: number[];
  /** Items. */
  readonly count: number;
  /** Items that a thread takes at a time. */
  readonly grain: number;
}

/** One job: tasks in an arena that do not wait for one another. */
export interface Job {
  /** Number of the arena. */
  readonly arena: number;
  /** At most {@linkcode MOST_TASKS}. */
  readonly tasks: readonly Task[];
}

/** The most tasks of a job. */
export const MOST_TASKS = 4;

/** Where each number is, in 32-bit words. Those that several threads write often have a cache line each. */
const NEXT = 0; // first chunk that nobody has taken
const ACTIVE = 16; // workers that may be at the job
const NUMBER = 32; // counts jobs: workers wait for it to change
const OPEN = 33; // 1 while there is a job
const SLEEPING = 34; // workers that must be woken
const READY = 35; // workers that have started
const STOP = 36; // 1 when workers must end
const FAILED = 37; // 1 when the job has failed, on a worker that left a message
const ARENA = 38, CHUNKS = 39, TASKS = 40, MESSAGE = 41; // the job; TASKS is their number, MESSAGE a length
const TASK = 42; // kernel, count, grain and number of arguments of each task
const WORDS = 64;

/** The most arguments of a kernel, and bytes of a message. */
const MOST_ARGS = 32;
const MOST_MESSAGE_BYTES = 1024;

/**
 * Looks at a waited-for value before sleeping: about 200 microseconds, longer than what a decoder does on one thread between
 * two operations that are shared. To wake a thread takes the caller 10 microseconds.
 */
const SPINS = 4000;

/** The number of chunks of a task. */
const chunksOf = ({ count, grain }: Task) => Math.ceil(count / grain);

/** Looks again and again, for a short while, whether something is so. */
function spin(isSo: () => boolean): boolean {
  for (let i = 0; i < SPINS; i++) {
    if (isSo()) return true;
    Atomics.pause();
  }
  return false;
}

/** The shared words, as one thread sees them. The caller opens and closes jobs; workers enter them. */
export class Control {
  /** The shared state of all threads. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #args: Float64Array;
  readonly #message: Uint8Array;
  /** The tasks of the job at hand. */
  #tasks: readonly Task[] = [];
  /** The number of the last job that a worker has seen. */
  #seen = 0;

  /** @param buffer another thread's; fresh when absent. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ??
      new SharedArrayBuffer(4 * WORDS + 8 * MOST_TASKS * MOST_ARGS + MOST_MESSAGE_BYTES);
    this.#words = new Int32Array(this.buffer, 0, WORDS);
    this.#args = new Float64Array(this.buffer, 4 * WORDS, MOST_TASKS * MOST_ARGS);
    this.#message = new Uint8Array(this.buffer, 4 * WORDS + 8 * MOST_TASKS * MOST_ARGS, MOST_MESSAGE_BYTES);
  }

  /** Workers that have started. */
  get ready(): number {
    return Atomics.load(this.#words, READY);
  }

  // The caller's side.

  /** Offers a job to the workers. */
  open(job: Job): void {
    const words = this.#words;
    words[ARENA] = job.arena;
    words[CHUNKS] = job.tasks.reduce((sum, task) => sum + chunksOf(task), 0);
    words[TASKS] = job.tasks.length;
    for (const [i, { kernel, args, count, grain }] of job.tasks.entries()) {
      const at = TASK + 4 * i;
      words[at] = kernel;
      words[at + 1] = count;
      words[at + 2] = grain;
      words[at + 3] = args.length;
      for (let j = 0; j < args.length; j++) this.#args[i * MOST_ARGS + j] = args[j]!;
    }
    words[FAILED] = 0;
    words[NEXT] = 0;
    Atomics.store(words, OPEN, 1);
    this.#tasks = job.tasks;
    Atomics.add(words, NUMBER, 1);
    // To wake a thread takes longer than many a job: no more than have something to do. Those about to sleep notice by NUMBER.
    const awake = this.ready - Atomics.load(words, SLEEPING);
    const missing = words[CHUNKS]! - 1 - awake;
    if (missing > 0) Atomics.notify(words, NUMBER, missing);
  }

  /** Waits until no worker is at the job, which no other can enter from now on. @returns the message of one that failed. */
  close(): string | undefined {
    const words = this.#words;
    Atomics.store(words, OPEN, 0);
    if (!spin(() => Atomics.load(words, ACTIVE) === 0)) {
      for (let active; (active = Atomics.load(words, ACTIVE)) > 0;) Atomics.wait(words, ACTIVE, active);
    }
    if (words[FAILED] === 0) return undefined;
    return new TextDecoder().decode(this.#message.slice(0, words[MESSAGE]));
  }

  /** Tells all workers to end. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    Atomics.add(this.#words, NUMBER, 1);
    Atomics.notify(this.#words, NUMBER);
  }

  // The workers' side.

  /** Says that a worker has started. */
  start(): void {
    Atomics.add(this.#words, READY, 1);
  }

  /** Waits for the next job. @returns false when the worker must end. */
  next(): boolean {
    const words = this.#words;
    if (!spin(() => Atomics.load(words, NUMBER) !== this.#seen)) {
      Atomics.add(words, SLEEPING, 1);
      Atomics.wait(words, NUMBER, this.#seen);
      Atomics.sub(words, SLEEPING, 1);
    }
    this.#seen = Atomics.load(words, NUMBER);
    return Atomics.load(words, STOP) === 0;
  }

  /**
   * Takes part in the job, unless it is closed already.
   *
   * A worker says that it is active before it looks whether the job is open, and the caller closes the job before it looks
   * whether a worker is active: so what the job says cannot change under a worker that found it open.
   *
   * @param find finds the kernel by arena and index.
   */
  enter(find: (arena: number, kernel: number) => Kernel): void {
    const words = this.#words;
    Atomics.add(words, ACTIVE, 1);
    if (Atomics.load(words, OPEN) === 1) {
      try {
        this.#tasks = this.#read();
        const arena = words[ARENA]!;
        this.work((kernel) => find(arena, kernel));
      } catch (error) {
        this.#fail(String(error));
      }
    }
    if (Atomics.sub(words, ACTIVE, 1) === 1) Atomics.notify(words, ACTIVE);
  }

  /** The job's tasks. Loops, since iterators of typed arrays are slow. */
  #read(): Task[] {
    const words = this.#words;
    const tasks: Task[] = [];
    for (let i = 0; i < words[TASKS]!; i++) {
      const at = TASK + 4 * i;
      const args: number[] = [];
      for (let j = 0; j < words[at + 3]!; j++) args.push(this.#args[i * MOST_ARGS + j]!);
      tasks.push({ kernel: words[at]!, args, count: words[at + 1]!, grain: words[at + 2]! });
    }
    return tasks;
  }

  /** The first to fail leaves its message. */
  #fail(message: string): void {
    this.skip();
    if (Atomics.compareExchange(this.#words, FAILED, 0, 1) !== 0) return;
    const bytes = new TextEncoder().encode(message).subarray(0, MOST_MESSAGE_BYTES);
    this.#message.set(bytes);
    this.#words[MESSAGE] = bytes.length;
  }

  // Both sides.

  /** Takes chunks of the job until none is left. */
  work(find: (kernel: number) => Kernel): void {
    const [words, tasks] = [this.#words, this.#tasks];
    const all = words[CHUNKS]!;
    for (let chunk; (chunk = Atomics.add(words, NEXT, 1)) < all;) {
      let i = 0;
      for (let chunks; chunk >= (chunks = chunksOf(tasks[i]!)); i++) chunk -= chunks;
      const { kernel, args, count, grain } = tasks[i]!;
      args[args.length - 2] = chunk * grain;
      args[args.length - 1] = Math.min((chunk + 1) * grain, count);
      find(kernel)(...args);
    }
  }

  /** Leaves no chunks to take. */
  skip(): void {
    Atomics.store(this.#words, NEXT, this.#words[CHUNKS]!);
  }
}
