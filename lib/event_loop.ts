/**
 * Long work beside others.
 *
 * @module
 */
import { InterruptedError } from "./errors.ts";
import { jupyter } from "./jupyter.ts";

/** Milliseconds that work may go on without a pause. */
const LONGEST_MS = 50;

/** Milliseconds between looks at whether work goes on, and how many of them without a sign of life mean that it does not. */
const LOOK_MS = 300;
const LOOKS = 3;

let last = performance.now();
/** Counts signs of life. */
let beats = 0;
/** How many are waiting for something outside. */
let outside = 0;

/** Gives the event loop its turn, for a number of milliseconds. */
export async function turn(milliseconds = 0): Promise<void> {
  beats++;
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  last = performance.now();
  beats++;
}

/** What every function has that takes long: how it is called off. */
export interface Abortable {
  /**
   * Calls the work off, as it does `fetch`: the promise is rejected with the signal's reason, an "AbortError" unless another is
   * given, when the work next pauses. What the work used can be used further.
   */
  readonly signal?: AbortSignal;
}

/**
 * Gives the event loop its turn, unless it just had one: progress is drawn, interrupts are heard, what is abandoned is freed.
 *
 * @throws the signal's reason, when it has been given: here long work ends that was called off.
 */
export async function pause(signal?: AbortSignal): Promise<void> {
  beats++;
  if (performance.now() - last >= LONGEST_MS) await turn();
  signal?.throwIfAborted();
}

/** Waits for what is done elsewhere (a GPU, a server), however long that takes. */
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
 * Long work that a notebook can interrupt. Deno's kernel ends whatever runs at that moment, without an error: what waits for
 * it would wait for ever. So here somebody else looks after it.
 *
 * @throws {InterruptedError} when the work shows no sign of life any more.
 */
export function interruptible<T>(work: () => Promise<T>): Promise<T> {
  if (!jupyter()) return work();
  return new Promise((resolve, reject) => {
    let [seen, silent, looked] = [beats, 0, performance.now()];
    const timer = setInterval(() => {
      // Who looks late has been kept from it by work.
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
