/**
 * The GPU that tests run on: any that WebGPU finds, a software one too.
 *
 * @module
 */
import type { Kernel } from "../kernels/wgsl/kernel.ts";
import { Commands, type Step } from "../lib/compute/webgpu/commands.ts";
import { Device } from "../lib/compute/webgpu/device.ts";
import { Memory } from "../lib/compute/webgpu/memory.ts";

/** Whether there is one. */
export const hasGpu = await navigator.gpu?.requestAdapter() !== null;

/** What a test's name says where there is none. */
export const gpuReason = hasGpu ? "" : " (ignored: WebGPU finds no adapter)";

/** A device with what kernels need to run. */
export class Bench implements Disposable {
  /** The device. */
  readonly device: Device;
  /** Its buffers. */
  readonly memory: Memory;
  /** Its queue. */
  readonly commands: Commands;

  /** @param device where kernels run. */
  constructor(device: Device) {
    this.device = device;
    this.memory = new Memory(device);
    this.commands = new Commands(device, this.memory);
  }

  /** Whether the device has all that a kernel needs. */
  has(kernel: Kernel): boolean {
    return (kernel.features ?? []).every((feature) => this.device.features.has(feature));
  }

  /**
   * Runs a kernel whose first binding is what it writes, poisoned before.
   *
   * @param length values that it writes.
   * @param inputs the other bindings.
   */
  async run(
    kernel: Kernel,
    { length, inputs, step }: { length: number; inputs: readonly ArrayBufferView[]; step: Step },
  ): Promise<Float32Array> {
    const rooms = [new Float32Array(length).fill(NaN), ...inputs].map((data) => {
      const room = this.memory.take(data.byteLength);
      this.commands.write(room, data);
      return room;
    });
    this.commands.run(kernel, rooms, step);
    const out = new Float32Array(await this.commands.read(rooms[0]!, 4 * length));
    for (const room of rooms) this.memory.free(room);
    return out;
  }

  /** Closes the device. */
  [Symbol.dispose](): void {
    this.commands[Symbol.dispose]();
    this.memory[Symbol.dispose]();
    this.device[Symbol.dispose]();
  }
}

let shared: Bench | undefined;

/** The device that all tests of a file share. */
export async function bench(): Promise<Bench> {
  if (!shared) {
    shared = new Bench(await Device.open());
    globalThis.addEventListener("unload", () => shared![Symbol.dispose]());
  }
  return shared;
}
