/**
 * A piece of an arena that is freed once it is unreachable.
 *
 * @module
 */
import { DisposedError } from "../../errors.ts";
import { turn } from "../../event_loop.ts";
import type { Arena } from "./memory.ts";

const abandoned = new FinalizationRegistry(({ arena, address }: { arena: Arena; address: number }) => {
  arena.free(address);
});

/** Bytes taken since the event loop last had its turn, and how many call for one. */
let taken = 0;
const ENOUGH_BYTES = 64 << 20;

/**
 * Gives the event loop its turn where much memory has been taken since the last: only then can what was abandoned be found
 * and given back, which a program that awaits nothing but results that are there would put off for ever.
 */
export async function breathe(): Promise<void> {
  if (taken < ENOUGH_BYTES) return;
  taken = 0;
  await turn();
}

/** Bytes of an arena. {@linkcode Block.free} frees them, or the garbage collector once the block is unreachable. */
export class Block {
  /** Its address. */
  readonly arena: Arena;
  /** Its size in bytes. */
  readonly bytes: number;
  /** Tells the garbage collector what hangs on this object; never touched, a large one takes no memory. */
  protected readonly ballast: ArrayBuffer;
  readonly #address: number;
  #freed = false;

  /**
   * Takes bytes of an arena. They hold anything.
   *
   * @throws {MemoryError} when the arena's limit or the machine's memory is reached.
   */
  constructor(arena: Arena, bytes: number) {
    this.arena = arena;
    this.bytes = bytes;
    this.#address = arena.allocate(bytes);
    this.ballast = new ArrayBuffer(bytes < 1 << 20 ? 0 : bytes);
    taken += bytes;
    abandoned.register(this, { arena, address: this.address }, this);
  }

  /**
   * Its first byte, a multiple of 64.
   *
   * @throws {DisposedError} when it has been freed: the bytes may be another's by now.
   */
  get address(): number {
    if (this.#freed) throw new DisposedError("Cannot use memory of the backend: it has been freed");
    return this.#address;
  }

  /** Frees the bytes now; to free them twice is no error. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    abandoned.unregister(this);
    this.arena.free(this.#address);
  }
}
