/**
 * Shared memory that kernels compute in: arenas of at most 4 GiB, as many as are needed.
 *
 * A WASM address has 32 bits. What does not fit one arena goes to the next; an array never spans two.
 *
 * @module
 */
import { MemoryError } from "../../errors.ts";

const PAGE_BYTES = 1 << 16;

/** Bytes that 32-bit addresses reach. */
export const LARGEST_ARENA = PAGE_BYTES * PAGE_BYTES;

/** Arrays start at multiples of this: a cache line, so that threads do not share one by accident. */
const ALIGNMENT_BYTES = 64;

/** Kernels load whole vectors, so up to this many bytes behind an array are read, never used. */
const MARGIN_BYTES = 64;

/** Growing is asked for at least this much at a time; what is not written takes no memory of the machine. */
const STEP_BYTES = 16 << 20;

/** What an array takes: even an empty one has an address of its own, to be freed by. */
const rounded = (bytes: number) => Math.ceil(Math.max(bytes, 1) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;

/** Free bytes [from, to). */
interface Gap {
  from: number;
  to: number;
}

/**
 * One shared memory, and who uses which part of it. It grows as needed and never shrinks; views of its buffer stay valid
 * when it grows.
 */
export class Arena {
  /** The memory that kernels import as env.memory. */
  readonly memory: WebAssembly.Memory;
  readonly #limit: number;
  /** Ascending, none touching the next. Address 0 is in none of them: to kernels it means that there is no array. */
  readonly #gaps: Gap[] = [];
  readonly #sizes = new Map<number, number>();

  /**
   * Reserves addresses; memory is taken when it is written.
   *
   * @param limit bytes that it may grow to, rounded up to whole pages of 64 KiB.
   * @throws {MemoryError} when the machine has no addresses left.
   */
  constructor(limit: number = LARGEST_ARENA) {
    const pages = Math.ceil(limit / PAGE_BYTES);
    this.#limit = pages * PAGE_BYTES - MARGIN_BYTES;
    try {
      this.memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true });
    } catch (cause) {
      throw new MemoryError(`Cannot reserve ${pages * PAGE_BYTES} bytes of shared memory`, { cause });
    }
    this.#gaps.push({ from: ALIGNMENT_BYTES, to: PAGE_BYTES - MARGIN_BYTES });
  }

  /** Bytes in use. */
  get used(): number {
    return this.#sizes.values().reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Whether {@linkcode Arena.allocate} would find so many bytes, if the machine has them. */
  hasRoom(bytes: number): boolean {
    const size = rounded(bytes);
    return this.#gaps.some(({ from, to }) => to - from >= size) || this.#limit - this.#lastGap() >= size;
  }

  /**
   * Takes bytes, in the first gap that is large enough. They hold anything.
   *
   * @returns the address, a multiple of 64, with at least 64 bytes that can be read behind the end.
   * @throws {MemoryError} when the arena's limit or the machine's memory is reached.
   */
  allocate(bytes: number): number {
    const size = rounded(bytes);
    let at = this.#gaps.findIndex(({ from, to }) => to - from >= size);
    if (at < 0) {
      this.#grow(this.#lastGap() + size);
      at = this.#gaps.length - 1;
    }
    const gap = this.#gaps[at]!;
    const address = gap.from;
    gap.from += size;
    if (gap.from === gap.to) this.#gaps.splice(at, 1);
    this.#sizes.set(address, size);
    return address;
  }

  /**
   * Frees bytes.
   *
   * @throws {MemoryError} when nothing was allocated at the address.
   */
  free(address: number): void {
    const size = this.#sizes.get(address);
    if (size === undefined) throw new MemoryError(`Cannot free address ${address}: it is not in use`);
    this.#sizes.delete(address);
    this.#addGap({ from: address, to: address + size });
  }

  /** Where a gap at the end of the memory starts, or would. */
  #lastGap(): number {
    const end = this.memory.buffer.byteLength - MARGIN_BYTES;
    const last = this.#gaps.at(-1);
    return last?.to === end ? last.from : end;
  }

  /** Grows until addresses below `end` are there. */
  #grow(end: number): void {
    if (end > this.#limit) {
      throw new MemoryError(
        `Cannot grow shared memory to ${end + MARGIN_BYTES} bytes: ${
          this.#limit + MARGIN_BYTES
        } is its limit`,
      );
    }
    const before = this.memory.buffer.byteLength;
    const wanted = Math.min(Math.max(end, before + STEP_BYTES), this.#limit) + MARGIN_BYTES;
    try {
      this.memory.grow(Math.ceil((wanted - before) / PAGE_BYTES));
    } catch (cause) {
      throw new MemoryError(`Cannot grow shared memory to ${wanted} bytes: the machine has no more`, {
        cause,
      });
    }
    this.#addGap({ from: before - MARGIN_BYTES, to: this.memory.buffer.byteLength - MARGIN_BYTES });
  }

  #addGap(gap: Gap): void {
    const gaps = this.#gaps;
    const next = gaps.findIndex(({ from }) => from > gap.from);
    const at = next < 0 ? gaps.length : next;
    const [before, after] = [gaps[at - 1], gaps[at]];
    const joined = { ...gap };
    let [first, replaced] = [at, 0];
    if (before?.to === gap.from) {
      joined.from = before.from;
      first--;
      replaced++;
    }
    if (after?.from === gap.to) {
      joined.to = after.to;
      replaced++;
    }
    gaps.splice(first, replaced, joined);
  }
}

/** Arenas, made as they are needed. */
export class Arenas {
  readonly #limit: number;
  readonly #arenas: Arena[];

  /** @param limit bytes that each may grow to. */
  constructor(limit: number = LARGEST_ARENA) {
    this.#limit = limit;
    this.#arenas = [new Arena(limit)];
  }

  /** The first arena: where activations are. */
  get first(): Arena {
    return this.#arenas[0]!;
  }

  /** Bytes in use. */
  get used(): number {
    return this.#arenas.reduce((sum, arena) => sum + arena.used, 0);
  }

  /** Whether the arena is one of these. */
  has(arena: Arena): boolean {
    return this.#arenas.includes(arena);
  }

  /**
   * An arena with room for `bytes` bytes, a new one if there is none. A quarter of each is left to what must lie beside
   * others: activations, codebooks of codes.
   *
   * @throws {MemoryError} when no arena can hold so much, or the machine has no addresses left.
   */
  withRoom(bytes: number): Arena {
    const found = this.#arenas.find((arena) => arena.hasRoom(bytes + this.#limit / 4));
    if (found) return found;
    const fresh = new Arena(this.#limit);
    if (!fresh.hasRoom(bytes)) {
      throw new MemoryError(
        `Cannot place ${bytes} bytes: shared memory has ${this.#limit} for an array at most`,
      );
    }
    this.#arenas.push(fresh);
    return fresh;
  }
}
