/**
 * Codes of packed matrices where the kernels read them.
 *
 * @module
 */
import { Block } from "./block.ts";
import type { Pool } from "./pool.ts";

const blocks = new WeakMap<ArrayBufferLike, Block>();

/**
 * Room for words in shared memory. It is given back some time after nobody holds them or a view of their buffer.
 *
 * @throws {MemoryError} when the machine's memory is reached.
 */
export function takeWords(pool: Pool, length: number): Uint32Array {
  const bytes = 4 * length;
  const block = new Block(pool.arena(bytes), bytes);
  // The same bytes under a buffer object of their own: who holds any view of it holds the block.
  const buffer = structuredClone(block.arena.memory.buffer);
  blocks.set(buffer, block);
  return new Uint32Array(buffer, block.address, length);
}

/** The block that words, or those that they are a part of, were taken from; undefined for others. */
export function blockOf(words: Uint32Array): Block | undefined {
  return blocks.get(words.buffer);
}
