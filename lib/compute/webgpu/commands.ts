/**
 * Kernels in the order in which they are to run, sent to the device together.
 *
 * @module
 */
import type { Kernel } from "../../../kernels/wgsl/kernel.ts";
import { waitForGpu } from "../../event_loop.ts";
import type { Device } from "./device.ts";
import type { Allocation, Memory } from "./memory.ts";

/** The arguments of a kernel that change from call to call. */
export interface Step {
  /** Tokens. */
  readonly tokens: number;
  /** Position of the first of them. */
  readonly position?: number;
}

/** A piece of a buffer, where a kernel sees no more of it. */
export interface Slice {
  /** Of which buffer. */
  readonly room: Allocation;
  /** First byte, a multiple of 256. */
  readonly offset: number;
  /** Their number. */
  readonly bytes: number;
}

/** A compiled kernel. */
interface Compiled {
  readonly number: number;
  readonly pipeline: GPUComputePipeline;
  /** Whether its text has a `Step`. */
  readonly steps: boolean;
}

/** Different steps that one submission can hold. */
const SLOTS = 16;

/** Bytes from a step to the next. */
const SLOT = 256;

/** Bytes that are written at a time. */
const PIECE = 16 << 20;

/** Kernels of a submission at most: what is long is begun before all of it is known. */
const MANY = 1024;

/** Records kernels, and reads their results. */
export class Commands implements Disposable {
  readonly #device: Device;
  readonly #compiled = new Map<string, Compiled>();
  /** Bind groups by kernel and buffers: a decode step makes none anew. */
  readonly #groups = new Map<string, GPUBindGroup>();
  /** Which of them a buffer is in. */
  readonly #users = new Map<number, Set<string>>();
  readonly #slots: GPUBuffer;
  readonly #held = new Map<string, number>();
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #recorded = 0;
  /** Whether what is recorded is to stay in one submission. */
  #timing = false;
  /** Where results are read, kept from read to read. */
  #landing: GPUBuffer | undefined;

  /** @param memory what the kernels' buffers come from. */
  constructor(device: Device, memory: Memory) {
    this.#device = device;
    this.#slots = device.gpu.createBuffer({
      size: SLOTS * SLOT,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    memory.onGone = (id) => this.#forget(id);
  }

  /**
   * Records a kernel.
   *
   * @param bindings in the kernel's order, without the step.
   * @throws {DisposedError} when one of them has been freed, or the device closed.
   * @throws {DeviceError} when the device has failed.
   */
  run(kernel: Kernel, bindings: readonly (Allocation | Slice)[], step: Step): void {
    this.#device.assertAlive();
    const { number, pipeline, steps } = this.#compile(kernel);
    const slot = steps ? this.#slot(step) : -1;
    const key = `${number}:${slot}:${bindings.map(nameOf).join()}`;
    let group = this.#groups.get(key);
    if (!group) {
      const resources: GPUBufferBinding[] = bindings.map((binding) =>
        "room" in binding
          ? { buffer: binding.room.buffer, offset: binding.offset, size: binding.bytes }
          : { buffer: binding.buffer }
      );
      if (steps) resources.push({ buffer: this.#slots, offset: slot * SLOT, size: 8 });
      group = this.#device.gpu.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: resources.map((resource, binding) => ({ binding, resource })),
      });
      this.#groups.set(key, group);
      for (const binding of bindings) this.#use("room" in binding ? binding.room : binding, key);
    }
    const pass = this.#open();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...kernel.workgroups(step.tokens));
    if (++this.#recorded === MANY && !this.#timing) this.submit();
  }

  /** Copies bytes of one buffer to another, after what was recorded so far. */
  copy(from: Allocation, to: Allocation, place: { from?: number; to?: number; bytes: number }): void {
    this.#between().copyBufferToBuffer(from.buffer, place.from ?? 0, to.buffer, place.to ?? 0, place.bytes);
    this.#recorded++;
  }

  /** Sets the first bytes of a buffer to 0, after what was recorded so far. */
  clear(room: Allocation, bytes: number): void {
    this.#between().clearBuffer(room.buffer, 0, bytes);
    this.#recorded++;
  }

  /** Overwrites the start of a buffer, after what was recorded so far. */
  write(room: Allocation, data: ArrayBufferView): void {
    this.#device.assertAlive();
    if (this.#recorded > 0) this.submit();
    const { queue } = this.#device.gpu;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < bytes.length; at += PIECE) {
      let piece = bytes.subarray(at, at + PIECE);
      // Neither memory that threads share nor a part of a word can be written as it is.
      if (piece.buffer instanceof SharedArrayBuffer || piece.length % 4 !== 0) {
        const copy = new Uint8Array(Math.ceil(piece.length / 4) * 4);
        copy.set(piece);
        piece = copy;
      }
      queue.writeBuffer(room.buffer, at, piece as Uint8Array<ArrayBuffer>);
    }
  }

  /** Sends what is recorded to the device. */
  submit(): void {
    this.#close();
    if (this.#encoder) this.#device.gpu.queue.submit([this.#encoder.finish()]);
    this.#encoder = undefined;
    this.#recorded = 0;
    this.#held.clear();
  }

  /**
   * The first bytes of a buffer, once all that was recorded is done. The array belongs to the caller.
   *
   * @throws {DeviceError} when anything has failed.
   * @throws {DisposedError} when the buffer has been freed, or the device closed.
   */
  read(room: Allocation, bytes: number): Promise<ArrayBuffer> {
    return this.#read(room.buffer, bytes);
  }

  async #read(buffer: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    this.#device.assertAlive();
    const size = Math.ceil(bytes / 4) * 4;
    const landing = this.#land(size);
    this.#between().copyBufferToBuffer(buffer, 0, landing, 0, size);
    this.submit();
    const copy = await this.#device.read(landing, bytes).catch((error) =>
      this.#device.fail(`Cannot read from the GPU: ${(error as Error).message}`)
    );
    await this.#device.check();
    this.#landing ??= landing;
    if (this.#landing !== landing) landing.destroy();
    return copy!;
  }

  /**
   * Seconds that the device takes for what `record` records, once all before is done: by its own clock where it has one,
   * else until it says that it is done, which some say with a delay of 10 milliseconds.
   *
   * @throws {DeviceError} when anything has failed.
   */
  async seconds(record: () => void): Promise<number> {
    const { gpu } = this.#device;
    await this.#idle();
    if (!this.#device.features.has("timestamp-query")) {
      const start = performance.now();
      record();
      await this.#idle();
      return (performance.now() - start) / 1000;
    }
    const querySet = gpu.createQuerySet({ type: "timestamp", count: 2 });
    const buffer = gpu.createBuffer({
      size: 16,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    // What others have recorded since is not what is timed.
    this.submit();
    this.#encoder = gpu.createCommandEncoder();
    const timestampWrites = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    this.#pass = this.#encoder.beginComputePass({ timestampWrites });
    this.#timing = true;
    try {
      record();
    } finally {
      this.#timing = false;
    }
    this.#between().resolveQuerySet(querySet, 0, 2, buffer, 0);
    const [start, end] = new BigUint64Array(await this.#read(buffer, 16));
    querySet.destroy();
    buffer.destroy();
    return Number(end! - start!) / 1e9;
  }

  /**
   * Waits until the device has done all that was recorded.
   *
   * @throws {DeviceError} when anything has failed.
   */
  async #idle(): Promise<void> {
    this.#device.assertAlive();
    this.submit();
    try {
      await waitForGpu(this.#device.gpu.queue.onSubmittedWorkDone());
    } catch (error) {
      this.#device.fail(`Cannot wait for the GPU: ${(error as Error).message}`);
    }
    await this.#device.check();
  }

  /** A buffer to read from: the kept one if it is large enough and not in use. */
  #land(size: number): GPUBuffer {
    const kept = this.#landing;
    this.#landing = undefined;
    if (kept && kept.size >= size) return kept;
    kept?.destroy();
    return this.#device.gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  #compile(kernel: Kernel): Compiled {
    let compiled = this.#compiled.get(kernel.code);
    if (!compiled) {
      compiled = {
        number: this.#compiled.size,
        pipeline: this.#device.pipeline(kernel.name, kernel.code),
        steps: kernel.code.includes("var<uniform>"),
      };
      this.#compiled.set(kernel.code, compiled);
    }
    return compiled;
  }

  /** The slot that holds a step in the submission at hand. */
  #slot(step: Step): number {
    const { tokens, position = 0 } = step;
    const key = `${tokens},${position}`;
    let slot = this.#held.get(key);
    if (slot === undefined) {
      if (this.#held.size === SLOTS) this.submit();
      slot = this.#held.size;
      this.#held.set(key, slot);
      // Slots that this submission uses for other steps are not touched, and earlier submissions are before this write.
      this.#device.gpu.queue.writeBuffer(this.#slots, slot * SLOT, Uint32Array.of(tokens, position));
    }
    return slot;
  }

  /** What records between kernels. */
  #between(): GPUCommandEncoder {
    this.#device.assertAlive();
    this.#close();
    return this.#encoder ??= this.#device.gpu.createCommandEncoder();
  }

  #open(): GPUComputePassEncoder {
    this.#encoder ??= this.#device.gpu.createCommandEncoder();
    return this.#pass ??= this.#encoder.beginComputePass();
  }

  #close(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  #use(room: Allocation, key: string): void {
    const keys = this.#users.get(room.id);
    if (keys) keys.add(key);
    else this.#users.set(room.id, new Set([key]));
  }

  #forget(id: number): void {
    if (this.#recorded > 0) this.submit();
    for (const key of this.#users.get(id) ?? []) this.#groups.delete(key);
    this.#users.delete(id);
  }

  /** Forgets everything. */
  [Symbol.dispose](): void {
    this.#groups.clear();
    this.#users.clear();
    this.#compiled.clear();
    this.#slots.destroy();
    this.#landing?.destroy();
  }
}

function nameOf(binding: Allocation | Slice): string {
  return "room" in binding ? `${binding.room.id}@${binding.offset}+${binding.bytes}` : `${binding.id}`;
}
