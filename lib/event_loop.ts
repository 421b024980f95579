/**
 * Long work that leaves time for other events.
 *
 * @module
 */
import { InterruptedError } from "./errors.ts";
import { jupyter } from "./jupyter.ts";

/**
 * The longest time that work runs without a pause, in milliseconds, and the same in a notebook's kernel, where each pause is a gap
 * in which an interrupt does harm, see {@linkcode interruptible}, and output needs none: with a signal to look at, and without.
 */
const [LONGEST_MS, LONGEST_WITH_SIGNAL_MS, LONGEST_IN_KERNEL_MS] = [50, 1000, 5000];

/** Milliseconds between looks at whether work goes on, and how many of them without a sign of life mean that it does not. */
const [LOOK_MS, LOOKS] = [300, 3];

/** How long a GPU may be at what it was asked for, in milliseconds. */
const LONGEST_GPU_MS = 120_000;

/** Milliseconds of a wait before it holds the thread, those that it holds it at once, and their share of what has been waited. */
const [UNHELD_MS, LONGEST_HOLD_MS, HOLD_SHARE] = [50, 25, 0.1];

let last = performance.now();
/** The number of signs of life so far. */
let beats = 0;
/** What is waited for outside of this thread, and since when nothing has come of it, by `performance.now()`. */
const waits = new Set<Promise<unknown>>();
let since = 0;
/** When each wait for a GPU is believed to be interrupted, by `performance.now()`. */
const patience = new Map<Promise<unknown>, number>();
/** Whether {@linkcode hold} holds the thread. Code that finds it so knows that an interrupt has ended `hold`. */
let held = false;
/** A place in memory that nobody writes to. */
const nowhere = new Int32Array(new SharedArrayBuffer(4));

/** Lets the event loop run for a number of milliseconds; without one, only for what is due. */
export async function turn(milliseconds?: number): Promise<void> {
  beats++;
  await new Promise<void>((resolve) => {
    // A timer of 0 ms leaves a gap in which nothing runs, see `interruptible`.
    if (milliseconds === undefined) setImmediate(resolve);
    else setTimeout(resolve, milliseconds);
  });
  last = performance.now();
  beats++;
}

/** Options of functions that take long: how to cancel them. */
export interface Abortable {
  /**
   * Cancels the work, as for `fetch`: at the next pause, the promise is rejected with the signal's reason, by default an
   * "AbortError". Everything that the work used stays usable.
   */
  readonly signal?: AbortSignal;
}

/**
 * Lets the event loop run, unless it just did: it draws progress, handles interrupts and frees abandoned objects.
 *
 * @throws the signal's reason, if the work was cancelled.
 */
export async function pause(signal?: AbortSignal): Promise<void> {
  beats++;
  const waited = performance.now() - last;
  const longest = !jupyter() ? LONGEST_MS : signal ? LONGEST_WITH_SIGNAL_MS : LONGEST_IN_KERNEL_MS;
  if (waited >= longest) await turn();
  signal?.throwIfAborted();
}

/** Says that something has come of a wait, which goes on. */
export function beat(): void {
  beats++;
  since = performance.now();
}

/**
 * Holds the thread while there is nothing to do but wait, with short gaps in which events come in: an interrupt that finds
 * nothing running would be the end of Deno's kernel, while one that finds this only ends this.
 */
async function hold(): Promise<void> {
  while (waits.size > 0) {
    await turn();
    // Between turns without a rest Deno looks only after some sixty of them for what comes in: short waits are not held.
    const waited = performance.now() - since;
    if (waited < UNHELD_MS) continue;
    held = true;
    Atomics.wait(nowhere, 0, 0, Math.min(HOLD_SHARE * waited, LONGEST_HOLD_MS));
    held = false;
  }
}

/**
 * Waits for work done elsewhere: in another thread, by a server. In a notebook's kernel an interrupt ends the wait.
 *
 * @throws {InterruptedError} when it is interrupted.
 */
export function waitFor<T>(promise: Promise<T>): Promise<T> {
  if (!jupyter()) return promise;
  beat();
  const wait = watchOver(promise);
  if (waits.add(promise).size === 1) hold();
  return wait.finally(() => {
    waits.delete(promise);
    beat();
    if (held) throw interruptAll();
  });
}

/** Waits for a GPU, whose results come in late while {@linkcode waitFor} holds the thread: this does not. */
export function waitForGpu<T>(promise: Promise<T>): Promise<T> {
  patience.set(promise, performance.now() + LONGEST_GPU_MS);
  return promise.finally(() => {
    patience.delete(promise);
    beats++;
  });
}

/** What ends works that are watched, the innermost last. */
const watched = new Set<() => void>();
/** Looks at them, while there are any. */
let clock: ReturnType<typeof setInterval> | undefined;
let [seen, silent, looked] = [0, 0, 0];

function look(): void {
  const now = performance.now();
  // A late look means that the thread was busy, not idle.
  const late = now - looked > 2 * LOOK_MS;
  silent = late || beats !== seen || patience.values().some((end) => end > now) ? 0 : silent + 1;
  [seen, looked] = [beats, now];
  if (held || silent >= LOOKS) interruptAll();
}

/** Ends all that is watched. */
function interruptAll(): InterruptedError {
  held = false;
  // What waits for other work that is watched learns of it, and gives back what it uses, before it is ended itself.
  for (const interrupt of [...watched].reverse()) interrupt();
  return new InterruptedError("Interrupted");
}

function watch(interrupt: () => void): void {
  // An interrupt also ends what would have said that a wait is over.
  if (watched.size === 0) [waits, patience].forEach((all) => all.clear());
  watched.add(interrupt);
  [silent, looked] = [0, performance.now()];
  clock ??= setInterval(look, LOOK_MS);
}

function unwatch(interrupt: () => void): void {
  watched.delete(interrupt);
  if (watched.size > 0) return;
  clearInterval(clock);
  clock = undefined;
}

/** Whether an error is, or comes from, an interrupt or what Deno was making into an error when one came: that is none yet. */
export function cutShort(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof InterruptedError) return true;
  return error.cause !== undefined && cutShort(error.cause);
}

/** A promise that is rejected too when {@linkcode look} finds that nothing goes on. */
function watchOver<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const interrupt = () => {
      unwatch(interrupt);
      reject(new InterruptedError("Interrupted"));
    };
    watch(interrupt);
    const fail = (error: unknown) => cutShort(error) ? interrupt() : reject(error);
    promise.then(resolve, fail).finally(() => unwatch(interrupt));
  });
}

/**
 * Runs long work that a notebook can interrupt. Deno's kernel ends the code that runs without an error, so that a promise for
 * it would never settle. It is therefore watched for signs of life.
 *
 * An interrupt that finds nothing running ends what runs next: if that is Deno's own code, nothing runs any more until the
 * kernel is restarted (Deno 2.9.6 goes on to end all that follows). So long work leaves few gaps, and waits by
 * {@linkcode waitFor}.
 *
 * @throws {InterruptedError} when the work shows no sign of life any more.
 */
export function interruptible<T>(work: () => Promise<T>): Promise<T> {
  // Work that began inside of the cell's own code would end with it, without an error.
  return jupyter() ? watchOver(Promise.resolve().then(work)) : work();
}
