/**
 * A piece of an arena that is given back when its handle is.
 *
 * @module
 */
import type { Arena } from "./stand_in.ts";

const abandoned = new FinalizationRegistry(({ arena, address }: { arena: Arena; address: number }) => {
  arena.free(address);
});

/** Bytes of an arena. They are free again after {@linkcode Block.free}, or once nobody holds the block. */
export class Block {
  /** Where it lies. */
  readonly arena: Arena;
  /** Its first byte, a multiple of 64. */
  readonly address: number;
  /** How many bytes it has. */
  readonly bytes: number;

  /** Takes bytes of an arena. */
  constructor(arena: Arena, bytes: number) {
    this.arena = arena;
    this.bytes = bytes;
    this.address = arena.allocate(bytes);
    abandoned.register(this, { arena, address: this.address }, this);
  }

  /** Gives the bytes back now. */
  free(): void {
    abandoned.unregister(this);
    this.arena.free(this.address);
  }
}
