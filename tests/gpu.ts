/**
 * The GPU that tests run on: any that WebGPU finds, a software one too.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Kernel } from "../kernels/wgsl/kernel.ts";
import type { Tensor } from "../lib/compute/backend.ts";
import type { PlainBackend } from "../lib/compute/plain.ts";
import { Commands, type Step } from "../lib/compute/webgpu/commands.ts";
import { Device } from "../lib/compute/webgpu/device.ts";
import { Memory } from "../lib/compute/webgpu/memory.ts";

/** Whether there is one. */
export const hasGpu = await Device.open().then((device) => (device[Symbol.dispose](), true), () => false);

/** What a test's name says where there is none. */
export const gpuReason = hasGpu ? "" : " (ignored: WebGPU finds no adapter)";

/** Values behind an output that no kernel may touch. */
const BEHIND = 64;

/** A tensor of the oracle, with values. A backend is filled by an embedding. */
export function plainTensor(plain: PlainBackend, cols: number, data: Float32Array): Tensor {
  const rows = data.length / cols;
  const tensor = plain.tensor(rows, cols);
  plain.embed(tensor, plain.weight({ rows, cols, data }), Array.from({ length: rows }, (_, t) => t));
  return tensor;
}

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
    const [out] = await this.runAll([kernel], { outputs: [length], inputs, step });
    return out!;
  }

  /**
   * Runs kernels one after another on the same bindings.
   *
   * @param outputs the first bindings: values to work on in place, or how many are written; then they are poisoned, and
   * so is what lies behind them, where nothing may be written.
   * @param inputs the other bindings.
   * @param bindings which of all these each kernel has, in its order; all when absent.
   * @returns the outputs' words as float32.
   */
  async runAll(
    kernels: readonly Kernel[],
    { outputs, inputs, step, bindings }: {
      outputs: readonly (number | ArrayBufferView)[];
      inputs: readonly ArrayBufferView[];
      step: Step;
      bindings?: readonly (readonly number[])[];
    },
  ): Promise<Float32Array[]> {
    const firsts = outputs.map((output) => {
      const words = typeof output === "number" ? output : output.byteLength / 4;
      const data = new Float32Array(words + BEHIND).fill(NaN);
      if (typeof output !== "number") {
        new Uint8Array(data.buffer).set(new Uint8Array(output.buffer, output.byteOffset, output.byteLength));
      }
      return data;
    });
    const rooms = [...firsts, ...inputs].map((data) => {
      const room = this.memory.take(data.byteLength);
      this.commands.write(room, data);
      return room;
    });
    for (const [i, kernel] of kernels.entries()) {
      this.commands.run(kernel, bindings?.[i]?.map((at) => rooms[at]!) ?? rooms, step);
    }
    const results: Float32Array[] = [];
    for (const [i, { length }] of firsts.entries()) {
      const data = new Float32Array(await this.commands.read(rooms[i]!, 4 * length));
      assert(
        data.subarray(length - BEHIND).every(Number.isNaN),
        `${kernels[0]!.name} writes behind output ${i}`,
      );
      results.push(data.subarray(0, length - BEHIND));
    }
    for (const room of rooms) this.memory.free(room);
    return results;
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
