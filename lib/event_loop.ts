/**
 * Long work beside others.
 *
 * @module
 */

/** Milliseconds that work may go on without a pause. */
const LONGEST = 50;

let last = performance.now();

/** Gives the event loop its turn, unless it just had one: progress is drawn, interrupts are heard, what is abandoned is freed. */
export async function pause(): Promise<void> {
  if (performance.now() - last < LONGEST) return;
  await new Promise((resolve) => setTimeout(resolve));
  last = performance.now();
}
