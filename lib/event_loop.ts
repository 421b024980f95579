/**
 * Long work that leaves time for other events.
 *
 * @module
 */
import { InterruptedError } from "./errors.ts";
import { jupyter } from "./jupyter.ts";

/** The longest time that work runs without a pause, in milliseconds. */
const LONGEST_MS = 50;

/** Milliseconds between looks at whether work goes on, and how many of them without a sign of life mean that it does not. */
const LOOK_MS = 300;
const LOOKS = 3;

/** How long a GPU may be at what it was asked for, in milliseconds. */
const LONGEST_WAIT_MS = 120_000;

let last = performance.now();
/** The number of signs of life so far. */
let beats = 0;
/** Until when each wait for something outside of this thread may last, by `performance.now()`. */
const patience = new Map<object, number>();

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
  if (performance.now() - last >= LONGEST_MS) await turn();
  signal?.throwIfAborted();
}

/**
 * Says that something outside of this thread is waited for, which gives no sign of life.
 *
 * @param key what waits.
 * @param longest milliseconds after which the wait is believed to be interrupted.
 */
export function beginWait(key: object, longest: number): void {
  patience.set(key, performance.now() + longest);
}

/** Says that a wait is over. */
export function endWait(key: object): void {
  patience.delete(key);
  beats++;
}

/** Waits for work done elsewhere, on a GPU or in another thread; see {@linkcode beginWait}. */
export async function waitFor<T>(promise: Promise<T>, longest: number = LONGEST_WAIT_MS): Promise<T> {
  beginWait(promise, longest);
  try {
    return await promise;
  } finally {
    endWait(promise);
  }
}

/** What ends works that are watched, the innermost last. */
const watched: (() => void)[] = [];
/** Looks at them, while there are any. */
let clock: ReturnType<typeof setInterval> | undefined;
let [seen, silent, looked] = [0, 0, 0];

function look(): void {
  const now = performance.now();
  // A late look means that the thread was busy, not idle.
  const late = now - looked > 2 * LOOK_MS;
  const patient = patience.values().some((end) => end > now);
  silent = late || patient || beats !== seen ? 0 : silent + 1;
  [seen, looked] = [beats, now];
  if (silent < LOOKS) return;
  // What waits for other work that is watched learns of it, and gives back what it uses, before it is ended itself.
  for (const interrupt of [...watched].reverse()) interrupt();
}

function watch(interrupt: () => void): void {
  // What was interrupted while it waited waits no more.
  if (watched.length === 0) patience.clear();
  watched.push(interrupt);
  [silent, looked] = [0, performance.now()];
  clock ??= setInterval(look, LOOK_MS);
}

function unwatch(interrupt: () => void): void {
  const i = watched.indexOf(interrupt);
  if (i >= 0) watched.splice(i, 1);
  if (watched.length > 0) return;
  clearInterval(clock);
  clock = undefined;
}

/**
 * Runs long work that a notebook can interrupt. Deno's kernel ends the code that runs without an error, so that a promise for
 * it would never settle. It is therefore watched for signs of life.
 *
 * An interrupt that finds nothing running ends what runs next: if that is Deno's own code, nothing runs any more until the
 * kernel is restarted (Deno 2.9.6 goes on to end all that follows). So long work leaves no gaps.
 *
 * @throws {InterruptedError} when the work shows no sign of life any more.
 */
export function interruptible<T>(work: () => Promise<T>): Promise<T> {
  if (!jupyter()) return work();
  return new Promise((resolve, reject) => {
    const interrupt = () => {
      unwatch(interrupt);
      reject(new InterruptedError("Interrupted"));
    };
    watch(interrupt);
    work().then(resolve, reject).finally(() => unwatch(interrupt));
  });
}
