/**
 * Buffers on a device, kept for the next one that wants as much.
 *
 * @module
 */
import { DisposedError, MemoryError } from "../../errors.ts";
import type { Device } from "./device.ts";

/** A buffer of the device, which one allocation after another takes. */
interface Kept {
  readonly buffer: GPUBuffer;
  readonly id: number;
  readonly bytes: number;
}

/** A piece of the device's memory, from when it is taken to when it is freed. */
export class Allocation {
  readonly #kept: Kept;
  #freed = false;

  /** @param kept the buffer that it has to itself. */
  constructor(kept: Kept) {
    this.#kept = kept;
  }

  /** Bytes that were asked for, rounded up to what a buffer may have. */
  get bytes(): number {
    return this.#kept.bytes;
  }

  /**
   * WebGPU's own object.
   *
   * @throws {DisposedError} when the room has been freed: the buffer may be another's by now.
   */
  get buffer(): GPUBuffer {
    return this.#held().buffer;
  }

  /**
   * Tells the buffer from all others of its memory.
   *
   * @throws {DisposedError} when the room has been freed.
   */
  get id(): number {
    return this.#held().id;
  }

  #held(): Kept {
    if (this.#freed) throw new DisposedError("Cannot use memory of the GPU: it has been freed");
    return this.#kept;
  }

  /** Ends its use; undefined when that has been done before. */
  release(): Kept | undefined {
    if (this.#freed) return undefined;
    this.#freed = true;
    return this.#kept;
  }
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
  readonly #free = new Map<number, Kept[]>();
  readonly #all = new Map<number, Kept>();
  #freeBytes = 0;
  #next = 0;
  #bytes = 0;
  /** Is told of a buffer that is about to go for good. */
  onGone: (id: number) => void = () => {};
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
   * @throws {DisposedError} when the device has been closed.
   * @throws {DeviceError} when it has failed.
   */
  take(bytes: number): Allocation {
    this.#device.assertAlive();
    const size = Math.max(GRAIN, Math.ceil(bytes / GRAIN) * GRAIN);
    if (size > this.#device.mostBytes) {
      throw new MemoryError(
        `Cannot take ${bytes} bytes on the GPU: a binding has ${this.#device.mostBytes} at most`,
      );
    }
    let kept = this.#free.get(size)?.pop();
    if (kept) {
      this.#freeBytes -= size;
    } else {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      kept = { buffer: this.#device.gpu.createBuffer({ size, usage }), id: this.#next++, bytes: size };
      this.#all.set(kept.id, kept);
      this.#bytes += size;
    }
    return new Allocation(kept);
  }

  /** Frees an allocation some time after its holder became unreachable, unless it is free already. */
  tie(room: Allocation, holder: object): void {
    this.#abandoned.register(holder, room, room);
    if (room.bytes < LARGE) return;
    const ballast = this.#ballast.get(holder) ?? [];
    ballast.push(new ArrayBuffer(room.bytes));
    this.#ballast.set(holder, ballast);
  }

  /** Frees a room: its buffer is kept for the next one, or destroyed. To free it twice is no error. */
  free(room: Allocation): void {
    const kept = room.release();
    this.#abandoned.unregister(room);
    if (!kept || !this.#all.has(kept.id)) return;
    if (this.#freeBytes + kept.bytes > KEPT) {
      this.#all.delete(kept.id);
      this.#bytes -= kept.bytes;
      this.onGone(kept.id);
      kept.buffer.destroy();
      return;
    }
    this.#freeBytes += kept.bytes;
    const same = this.#free.get(kept.bytes);
    if (same) same.push(kept);
    else this.#free.set(kept.bytes, [kept]);
  }

  /** Destroys all buffers. */
  [Symbol.dispose](): void {
    for (const { buffer } of this.#all.values()) buffer.destroy();
    this.#all.clear();
    this.#free.clear();
    this.#bytes = this.#freeBytes = 0;
  }
}
