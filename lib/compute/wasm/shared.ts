/**
 * Weights where the kernels read them: codes of packed matrices, values of dense ones.
 *
 * @module
 */
import { Block } from "./block.ts";
import type { Pool } from "./pool.ts";

const blocks = new WeakMap<ArrayBufferLike, Block>();

/**
 * Room for bytes in shared memory. It is given back some time after nobody holds them or a view of their buffer.
 *
 * @throws {MemoryError} when the machine's memory is reached.
 */
export function takeShared(pool: Pool, bytes: number): Uint8Array {
  const block = new Block(pool.arena(bytes), bytes);
  // The same bytes under a buffer object of their own: who holds any view of it holds the block.
  const buffer = structuredClone(block.arena.memory.buffer);
  blocks.set(buffer, block);
  return new Uint8Array(buffer, block.address, bytes);
}

/** The block that an array, or the one that it is a part of, was taken from; undefined for others. */
export function blockOf(array: ArrayBufferView): Block | undefined {
  return blocks.get(array.buffer);
}
