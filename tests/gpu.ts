/**
 * The GPU that tests run on. One in software is slow: `task test:gpu` takes it, `task test` does not.
 *
 * @module
 */
import type { Kernel } from "../kernels/wgsl/kernel.ts";
import type { Tensor } from "../lib/compute/backend.ts";
import type { PlainBackend } from "../lib/compute/plain.ts";
import type { Step } from "../lib/compute/webgpu/commands.ts";
import { Device } from "../lib/compute/webgpu/device.ts";
import { type GpuJob, GpuLab } from "../lib/compute/webgpu/gpu_lab.ts";

const software = Deno.env.has("ANY4_SOFTWARE_GPU");

/** Whether there is one. */
export const hasGpu = await Device.open({ software }).then(
  (device) => (device[Symbol.dispose](), true),
  () => false,
);

/** What a test's name says where there is none. */
export const gpuReason = hasGpu
  ? ""
  : ` (ignored: WebGPU finds no adapter${
    software ? "" : "; with ANY4_SOFTWARE_GPU set it looks for one in software"
  })`;

/** A tensor of the oracle, with values. A backend is filled by an embedding. */
export function plainTensor(plain: PlainBackend, cols: number, data: Float32Array): Tensor {
  const rows = data.length / cols;
  const tensor = plain.tensor(rows, cols);
  plain.embed(tensor, plain.weight({ rows, cols, data }), Array.from({ length: rows }, (_, t) => t));
  return tensor;
}

/** A laboratory as tests use it. */
export class Bench implements Disposable {
  /** Where kernels run. */
  readonly lab: GpuLab;

  /** @param lab where kernels run. */
  constructor(lab: GpuLab) {
    this.lab = lab;
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

  /** Runs kernels one after another: {@linkcode GpuLab.run}. */
  runAll(
    kernels: readonly Kernel[],
    { step, ...job }: Pick<GpuJob, "outputs" | "inputs" | "bindings"> & { step: Step },
  ): Promise<Float32Array[]> {
    return this.lab.run({ kernels, ...job, ...step });
  }

  /** Closes the device. */
  [Symbol.dispose](): void {
    this.lab[Symbol.dispose]();
  }
}

let shared: Bench | undefined;

/** The device that all tests of a file share. */
export async function bench(): Promise<Bench> {
  if (!shared) {
    shared = new Bench(await GpuLab.open());
    globalThis.addEventListener("unload", () => shared![Symbol.dispose]());
  }
  return shared;
}
