/**
 * Memory that operations use for a moment, kept between them.
 *
 * @module
 */
import { Block } from "./block.ts";
import type { Arena } from "./memory.ts";

/** Bytes of an arena: a block, or a part of one. */
export interface Place {
  /** The arena. */
  readonly arena: Arena;
  /** Their first byte. */
  readonly address: number;
  /** How many there are at most. */
  readonly bytes: number;
}

/** Room by purpose, in any arena; each purpose's room is overwritten by its next use. */
export class Scratch {
  readonly #rooms = new Map<Arena, Map<string, Block>>();

  /** The address of room for `bytes` bytes; what was in it is lost when it has to grow. */
  take(arena: Arena, purpose: string, bytes: number): number {
    let rooms = this.#rooms.get(arena);
    if (!rooms) this.#rooms.set(arena, rooms = new Map());
    let room = rooms.get(purpose);
    if (!room || room.bytes < bytes) {
      room?.free();
      rooms.set(purpose, room = new Block(arena, bytes));
    }
    return room.address;
  }

  /** Where a block's bytes can be read in an arena: in place, or as a copy. */
  input(arena: Arena, purpose: string, block: Place): number {
    if (block.arena === arena) return block.address;
    const copy = this.take(arena, purpose, block.bytes);
    copyBytes(block, { arena, address: copy }, block.bytes);
    return copy;
  }

  /** Where a block's bytes can be written in an arena: in place, or to be brought by {@linkcode copyBack}. */
  output(arena: Arena, block: Place): number {
    return block.arena === arena ? block.address : this.take(arena, "out", block.bytes);
  }

  /** Brings what was written to an {@linkcode output} to its block. */
  copyBack(arena: Arena, block: Place, bytes: number): void {
    if (block.arena === arena) return;
    copyBytes({ arena, address: this.take(arena, "out", block.bytes) }, block, bytes);
  }
}

function copyBytes(from: Omit<Place, "bytes">, to: Omit<Place, "bytes">, bytes: number): void {
  const source = new Uint8Array(from.arena.memory.buffer, from.address, bytes);
  new Uint8Array(to.arena.memory.buffer, to.address, bytes).set(source);
}
