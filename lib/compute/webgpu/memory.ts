/**
 * Buffers on a device, kept for the next one that wants as much.
 *
 * @module
 */
import { MemoryError } from "../../errors.ts";
import type { Device } from "./device.ts";

/** A piece of the device's memory. */
export interface Allocation {
  /** WebGPU's own object. */
  readonly buffer: GPUBuffer;
  /** Tells it from all others of its memory. */
  readonly id: number;
  /** Bytes that were asked for, rounded up to what a buffer may have. */
  readonly bytes: number;
}

/** Bytes of free buffers that are kept at most. */
const KEPT = 256 << 20;

/** Bytes from which on the garbage collector should know of a room. */
const LARGE = 1 << 20;

/** Sizes are rounded up to a multiple of this, so that similar ones can follow one another. */
const GRAIN = 256;

/** The buffers of a device. */
export class Memory implements Disposable {
  readonly #device: Device;
  readonly #free = new Map<number, Allocation[]>();
  readonly #all = new Map<number, Allocation>();
  #freeBytes = 0;
  #next = 0;
  #bytes = 0;
  /** Is told of a room that is about to go for good. */
  onGone: (room: Allocation) => void = () => {};
  /** Tells the garbage collector what hangs on a holder; never touched, it takes no memory. */
  readonly #ballast = new WeakMap<object, ArrayBuffer[]>();
  /** Rooms whose holder was forgotten without giving them back. */
  readonly #abandoned = new FinalizationRegistry((room: Allocation) => this.free(room));

  /** @param device where the buffers are. */
  constructor(device: Device) {
    this.#device = device;
  }

  /** Bytes in use or kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a buffer. It holds anything.
   *
   * @param bytes how many are needed.
   * @throws {MemoryError} when a binding cannot be so large.
   */
  take(bytes: number): Allocation {
    const size = Math.max(GRAIN, Math.ceil(bytes / GRAIN) * GRAIN);
    if (size > this.#device.mostBytes) {
      throw new MemoryError(
        `Cannot take ${bytes} bytes on the GPU: a binding has ${this.#device.mostBytes} at most`,
      );
    }
    let room = this.#free.get(size)?.pop();
    if (room) {
      this.#freeBytes -= size;
    } else {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      room = { buffer: this.#device.gpu.createBuffer({ size, usage }), id: this.#next++, bytes: size };
      this.#all.set(room.id, room);
      this.#bytes += size;
    }
    return room;
  }

  /** Frees a room some time after its holder is forgotten, if nobody has before. */
  tie(room: Allocation, holder: object): void {
    this.#abandoned.register(holder, room, room);
    if (room.bytes < LARGE) return;
    const ballast = this.#ballast.get(holder) ?? [];
    ballast.push(new ArrayBuffer(room.bytes));
    this.#ballast.set(holder, ballast);
  }

  /** Gives a buffer back: to who wants as much next, or to the device. */
  free(room: Allocation): void {
    if (!this.#all.has(room.id)) return;
    this.#abandoned.unregister(room);
    if (this.#freeBytes + room.bytes > KEPT) {
      this.#all.delete(room.id);
      this.#bytes -= room.bytes;
      this.onGone(room);
      room.buffer.destroy();
      return;
    }
    this.#freeBytes += room.bytes;
    const same = this.#free.get(room.bytes);
    if (same) same.push(room);
    else this.#free.set(room.bytes, [room]);
  }

  /** Destroys all buffers. */
  [Symbol.dispose](): void {
    for (const { buffer } of this.#all.values()) buffer.destroy();
    this.#all.clear();
    this.#free.clear();
    this.#bytes = this.#freeBytes = 0;
  }
}
