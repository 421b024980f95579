/**
 * Backends: plain TypeScript, WebAssembly on every core, and WebGPU, behind one interface; and a laboratory for kernels.
 *
 * ```ts
 * import { createBackend } from "any4/compute";
 * import { assertEquals } from "@std/assert";
 *
 * using backend = await createBackend("plain");
 * const weight = backend.weight({ rows: 2, cols: 3, data: Float32Array.of(1, 2, 3, 4, 5, 6) });
 * const [x, out] = [backend.tensor(1, 3), backend.tensor(1, 2)];
 * backend.embed(x, weight, [1]); // x = [4, 5, 6], row 1 of the weight
 * backend.linear(out, x, { weight });
 * assertEquals([...await backend.read(out)], [32, 77]); // x · Wᵀ
 * ```
 *
 * @module
 */
export type { Kernel, Workgroups } from "../../kernels/wgsl/kernel.ts";
export { type ActivationType, activationTypes } from "./backend.ts";
export type {
  Activation,
  AttentionPlace,
  Backend,
  Columns,
  Handle,
  KvCache,
  KvShape,
  Largest,
  LinearOptions,
  LinearProduct,
  LogitPlace,
  LogProbability,
  NormOptions,
  Owner,
  RopeOptions,
  RowRange,
  RowsAs,
  Tensor,
  TokenIds,
  TokenPlace,
  Weight,
} from "./backend.ts";
export { type BackendName, backendNames, type BackendOptions, createBackend } from "./create_backend.ts";
export type {
  ActivationInputs,
  AttentionInputs,
  Gradients,
  Heads,
  NormGradients,
  NormInputs,
} from "./gradients.ts";
export type { DeviceOptions } from "./webgpu/device.ts";
export { type GpuJob, GpuLab, type RaceOptions } from "./webgpu/gpu_lab.ts";
export type { KernelDevice } from "../../kernels/wgsl/mod.ts";
export { ladder, type LadderOptions, type Rung } from "./webgpu/ladder.ts";
export { winnersFile } from "./webgpu/tuner.ts";
