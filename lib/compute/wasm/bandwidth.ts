/**
 * What a pool's threads can do at most.
 *
 * @module
 */
import { turn } from "../../event_loop.ts";
import { Block } from "./block.ts";
import type { Pool } from "./pool.ts";

/** Bytes that no cache holds. */
const UNCACHED_BYTES = 256 << 20;

/** Tries, of which the best counts: a limit is what is possible. */
const TRIES = 10;

/** Tries at most, while threads are still coming up. */
const MOST_TRIES = 200;

/**
 * Bytes a second that a pool reads with all of its threads, once they are up.
 *
 * @param bytes how many lie side by side: so many that they come from memory when absent, fewer may come from a cache.
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
