/**
 * The memory bandwidth of a pool's threads.
 *
 * @module
 */
import { turn } from "../../event_loop.ts";
import { Block } from "./block.ts";
import type { Pool } from "./pool.ts";

/** A size in bytes that exceeds all caches. */
const UNCACHED_BYTES = 256 << 20;

/** The number of tries, of which the best counts. */
const TRIES = 10;

/** The largest number of tries while threads are starting. */
const MOST_TRIES = 200;

/**
 * Measures the bytes a second that a pool reads with all of its threads, once they have started.
 *
 * @param bytes the size of the array read; by default one that exceeds all caches.
 */
export async function readBandwidth(pool: Pool, bytes: number = UNCACHED_BYTES): Promise<number> {
  const block = new Block(pool.arena(bytes), bytes);
  const { arena, address } = block;
  new Uint8Array(arena.memory.buffer, address, bytes).fill(1);
  const count = bytes / 64;
  let best = Infinity;
  for (let tries = 0; tries < TRIES || (pool.ready < pool.threads - 1 && tries < MOST_TRIES); tries++) {
    const start = performance.now();
    pool.run(arena, "readBlocks", [address, address], count, Math.ceil(count / 16 / pool.threads));
    best = Math.min(best, (performance.now() - start) / 1000);
    // Threads start while this one waits.
    await turn(pool.ready < pool.threads - 1 ? 10 : 0);
  }
  block.free();
  return bytes / best;
}
