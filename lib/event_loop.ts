/**
 * Long work that leaves time for other events.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { InterruptedError } from "./errors.ts";
import { jupyter } from "./jupyter.ts";

/** The longest time that work runs without a pause, in milliseconds. */
const LONGEST_MS = 50;

/** Milliseconds between looks at whether work goes on, and how many of them without a sign of life mean that it does not. */
const LOOK_MS = 300;
const LOOKS = 3;

let last = performance.now();
/** The number of signs of life so far. */
let beats = 0;
/** The number of waits for something outside of this thread. */
let outside = 0;

/** The number of rounds of the event loop that are one turn: what comes in one is answered in the next. */
const ROUNDS = 4;

/** Lets the event loop have a turn, or run for a number of milliseconds. */
export async function turn(milliseconds = 0): Promise<void> {
  beats++;
  if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
  // A timeout of 0 would take two milliseconds.
  else for (let i = 0; i < ROUNDS; i++) await new Promise((resolve) => setImmediate(resolve));
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

/** Waits for work done elsewhere (by a GPU or a server), however long it takes. */
export async function waitFor<T>(promise: Promise<T>): Promise<T> {
  outside++;
  try {
    return await promise;
  } finally {
    outside--;
    beats++;
  }
}

/**
 * Runs long work that a notebook can interrupt. Deno's kernel terminates the running code without an error, so that a promise
 * for it would never settle. A second task therefore watches the work.
 *
 * @throws {InterruptedError} when the work shows no sign of life any more.
 */
export function interruptible<T>(work: () => Promise<T>): Promise<T> {
  if (!jupyter()) return work();
  return new Promise((resolve, reject) => {
    let [seen, silent, looked] = [beats, 0, performance.now()];
    const timer = setInterval(() => {
      // A late tick means that the thread was busy, not idle.
      const late = performance.now() - looked > 2 * LOOK_MS;
      silent = late || outside > 0 || beats !== seen ? 0 : silent + 1;
      [seen, looked] = [beats, performance.now()];
      if (silent < LOOKS) return;
      clearInterval(timer);
      reject(new InterruptedError("Interrupted"));
    }, LOOK_MS);
    work().then(resolve, reject).finally(() => clearInterval(timer));
  });
}
