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
import { ChromiumLab, findChromium } from "./chromium.ts";

/**
 * ANY4_GPU=software takes a GPU in software where there is no other; with ANY4_GPU=chromium kernels run in a browser, by
 * another compiler than Deno's.
 */
const asked = Deno.env.get("ANY4_GPU");
const inChromium = asked === "chromium";

/** Whether there is one. */
export const hasGpu = inChromium
  ? findChromium() !== undefined
  : await Device.open({ software: asked === "software" })
    .then((device) => (device[Symbol.dispose](), true), () => false);

/** What a test's name says where there is none. */
export const gpuReason = hasGpu
  ? ""
  : inChromium
  ? " (ignored: there is no Chromium)"
  : asked === "software"
  ? " (ignored: WebGPU finds no adapter)"
  : " (ignored: WebGPU finds no adapter but in software, which ANY4_GPU=software takes)";

/** A tensor of the oracle, with values. */
export function plainTensor(plain: PlainBackend, cols: number, data: Float32Array): Tensor {
  const rows = data.length / cols;
  const tensor = plain.tensor(rows, cols);
  plain.write(tensor, data);
  return tensor;
}

type Lab =
  & Pick<GpuLab, "run" | "features" | "subgroupSize" | typeof Symbol.dispose>
  & Partial<Pick<GpuLab, "workgroupBytes" | "workgroupSize">>;

/** A laboratory as tests use it. */
export class Bench implements Disposable {
  /** Where kernels run. */
  readonly lab: Lab;

  /** @param lab where kernels run. */
  constructor(lab: Lab) {
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

function openLab(): Promise<Lab> {
  return inChromium ? ChromiumLab.open(findChromium()!) : GpuLab.open();
}

let shared: Bench | undefined;

/** The device that all tests of a file share. */
export async function bench(): Promise<Bench> {
  if (!shared) {
    shared = new Bench(await openLab());
    globalThis.addEventListener("unload", () => shared![Symbol.dispose]());
  }
  return shared;
}
