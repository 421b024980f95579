/**
 * A WebGPU device: opening it, its features, and its error handling.
 *
 * @module
 */
import { waitFor, waitForGpu } from "../../event_loop.ts";
import { type Any4Error, DeviceError, DisposedError } from "../../errors.ts";

/** Options of opening a device. */
export interface DeviceOptions {
  /** Take a software adapter where there is no other; true when absent. */
  software?: boolean;
  /** Features to do without, as if the adapter lacked them: to test what happens then. */
  without?: readonly string[];
  /** Bytes of a binding at most, as if the adapter allowed no more: to test how large weights are split. */
  mostBytes?: number;
}

/** Features that make kernels faster, each asked for where the adapter has it. */
const WANTED: readonly GPUFeatureName[] = ["shader-f16", "subgroups", "timestamp-query"];

/** Limits that are raised to what the adapter has. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxStorageBuffersPerShaderStage",
] as const;

const CLOSED = "Cannot use the GPU: it has been disposed of";

/** Probes that use a feature as kernels do: a driver can grant a feature that its compiler refuses. */
const PROBES: Readonly<Record<string, string>> = {
  "shader-f16": `enable f16;
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(32) fn main(@builtin(local_invocation_index) i: u32) {
  out[i] = f32(dot(vec4h(f16(i)), vec4h(vec4f(out[i])))); }`,
  "subgroups": `enable subgroups;
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(32) fn main(
  @builtin(subgroup_id) subgroup: u32, @builtin(num_subgroups) count: u32,
  @builtin(subgroup_invocation_id) lane: u32) {
  let sum = subgroupAdd(out[lane]);
  if (lane == 0u) { out[subgroup % count] = sum; } }`,
};

/** A text without the directive that WGSL asks for where subgroups are used, and that older compilers do not know. */
const withoutDirective = (code: string) => code.replace(/^enable subgroups;$/m, "");

/** Whether a device compiles a shader. */
async function compiles(gpu: GPUDevice, code: string): Promise<boolean> {
  gpu.pushErrorScope("validation");
  try {
    const module = gpu.createShaderModule({ code });
    gpu.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  } catch {
    // The error scope knows.
  }
  return await gpu.popErrorScope() === null;
}

/** An open device. */
export class Device implements Disposable {
  /** WebGPU's own object. */
  readonly gpu: GPUDevice;
  /** Its name: "NVIDIA H100 …", "llvmpipe (LLVM …)". */
  readonly description: string;
  /** Whether the processor plays its part. */
  readonly software: boolean;
  /** The features that it was opened with. */
  readonly features: ReadonlySet<string>;
  /** Invocations of a subgroup at least; 0 without subgroups. */
  readonly subgroupSize: number;
  /** Bytes of a binding at most. */
  readonly mostBytes: number;
  /** Bytes of workgroup memory. */
  readonly workgroupBytes: number;
  /** Invocations of a workgroup at most. */
  readonly workgroupSize: number;
  /** Whether its compiler knows `enable subgroups;`. */
  readonly #directive: boolean;
  #failure: Any4Error | undefined;
  #closed = false;
  /** Tells the garbage collector what hangs on this object; never touched, it takes no memory. */
  protected readonly ballast: ArrayBuffer = new ArrayBuffer(32 << 20);
  /** Error scopes that are still open questions. */
  readonly #scopes = new Set<Promise<void>>();
  /** Buffers that have been mapped. */
  readonly #mapped = new WeakSet<GPUBuffer>();

  private constructor(
    gpu: GPUDevice,
    { info, features, directive, mostBytes = Infinity }: {
      info: GPUAdapterInfo;
      features: ReadonlySet<string>;
      directive: boolean;
      mostBytes?: number;
    },
  ) {
    this.gpu = gpu;
    this.mostBytes = Math.min(mostBytes, gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    this.workgroupBytes = gpu.limits.maxComputeWorkgroupStorageSize;
    this.workgroupSize = gpu.limits.maxComputeInvocationsPerWorkgroup;
    this.description = info.description || info.device || info.vendor || "unnamed GPU";
    this.software = info.isFallbackAdapter;
    this.features = features;
    this.#directive = directive;
    this.subgroupSize = features.has("subgroups") ? info.subgroupMinSize : 0;
    gpu.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.fail(`GPU error: ${(event as GPUUncapturedErrorEvent).error.message}`);
    });
    gpu.lost.then(({ reason, message }) => {
      if (!this.#closed) this.fail(`The GPU was lost (${reason}): ${message}`);
    });
  }

  /**
   * Opens the system's preferred adapter with all the features it really has that kernels can use.
   *
   * @throws {DeviceError} when there is no adapter, none that is wanted, or it gives no device.
   */
  static open(options: DeviceOptions = {}): Promise<Device> {
    return waitFor(Device.#open(options));
  }

  static async #open(options: DeviceOptions): Promise<Device> {
    const adapter = await findAdapter();
    if (!adapter) throw new DeviceError("Cannot use WebGPU: this machine has no adapter");
    const { info } = adapter;
    if (info.isFallbackAdapter && options.software === false) {
      throw new DeviceError(`Cannot use WebGPU: ${info.description || "the adapter"} is software`);
    }
    const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
    // An adapter may have a feature that it does not list (subgroups, today) or list one that fails: try.
    const features = WANTED.filter((name) => !options.without?.includes(name));
    const open = (requiredFeatures: GPUFeatureName[]) =>
      adapter.requestDevice({ requiredFeatures, requiredLimits });
    const made = async (gpu: GPUDevice, had: string[]) => {
      const probes = had.filter((name) => name in PROBES).map((name) => [name, PROBES[name]!] as const);
      const [works, older] = await Promise.all(
        [(code: string) => code, withoutDirective].map((dialect) =>
          Promise.all(probes.map(([, code]) => compiles(gpu, dialect(code))))
        ),
      );
      const lacking = probes.filter((_, i) => !works![i] && !older![i]).map(([name]) => name);
      const features = new Set(had.filter((name) => !lacking.includes(name)));
      const directive = probes.every(([name], i) => name !== "subgroups" || works![i]);
      return new Device(gpu, { info, features, directive, mostBytes: options.mostBytes });
    };
    try {
      return await made(await open(features), features);
    } catch {
      // It lacks one at least.
    }
    const each = await Promise.all(
      features.map((name) => open([name]).then((device) => (device.destroy(), [name]), () => [])),
    );
    try {
      return await made(await open(each.flat()), each.flat());
    } catch (cause) {
      throw new DeviceError(`Cannot open ${info.description}: ${(cause as Error).message}`, { cause });
    }
  }

  /** Remembers that something failed; the first failure is the one that is reported. */
  fail(message: string): void {
    this.#failure ??= this.#closed ? new DisposedError(CLOSED) : new DeviceError(message);
  }

  /**
   * Compiles a shader's text. Mistakes in it are reported by the next {@linkcode Device.check}, with line and text.
   */
  pipeline(name: string, code: string): GPUComputePipeline {
    const { pipeline, mistake } = this.compile(name, code);
    const scope = mistake.then((message) => message === undefined ? undefined : this.fail(message));
    this.#scopes.add(scope);
    scope.finally(() => this.#scopes.delete(scope));
    return pipeline;
  }

  /**
   * Compiles a shader's text, and leaves it to the caller what a mistake in it means.
   *
   * @param layout what the text's bindings are; what it uses, when absent.
   * @returns the pipeline, and what is wrong with the text, line by line, once that is known.
   */
  compile(
    name: string,
    code: string,
    layout: GPUPipelineLayout | "auto" = "auto",
  ): { pipeline: GPUComputePipeline; mistake: Promise<string | undefined> } {
    const { gpu } = this;
    gpu.pushErrorScope("validation");
    const known = this.#directive ? code : withoutDirective(code);
    const module = gpu.createShaderModule({ label: name, code: known });
    const compute = { module, entryPoint: "main" };
    const pipeline = gpu.createComputePipeline({ label: name, layout, compute });
    const found = async (scope: Promise<GPUError | null>) => {
      try {
        const error = await scope;
        if (!error) return undefined;
        const { messages } = await module.getCompilationInfo();
        const lines = messages.map(({ lineNum, linePos, message }) =>
          `${lineNum}:${linePos} ${message.trim()}`
        );
        return `Kernel ${name} does not compile: ${lines.join("\n") || error.message}`;
      } catch (error) {
        // A device that is gone answers nothing.
        return `Kernel ${name} was not compiled: ${(error as Error).message}`;
      }
    };
    const mistake = found(gpu.popErrorScope());
    return { pipeline, mistake };
  }

  /**
   * The first bytes of a buffer that can be mapped, once all that was submitted is done. The array belongs to the caller.
   */
  async read(buffer: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    const size = Math.ceil(bytes / 4) * 4;
    const mapping = buffer.mapAsync(GPUMapMode.READ, 0, size);
    const take = () => {
      const copy = buffer.getMappedRange(0, size).slice(0, bytes);
      buffer.unmap();
      return copy;
    };
    // Deno's mapAsync has the bytes when it returns, and says so ten milliseconds later; of a buffer that has never been
    // mapped, it does not give them before.
    if (this.#mapped.has(buffer)) {
      try {
        const copy = take();
        mapping.catch(() => {});
        return copy;
      } catch {
        // It says so first, as the standard has it.
      }
    }
    await waitForGpu(mapping);
    this.#mapped.add(buffer);
    return take();
  }

  /**
   * Waits until every error so far is known.
   *
   * @throws {DeviceError} when something has failed: nothing computed since can be relied on.
   * @throws {DisposedError} when it has been closed.
   */
  async check(): Promise<void> {
    await waitForGpu(Promise.all(this.#scopes));
    this.assertAlive();
  }

  /**
   * Throws what is known to have failed, without waiting.
   *
   * @throws {DeviceError} when something has failed.
   * @throws {DisposedError} when it has been closed.
   */
  assertAlive(): void {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw new DisposedError(CLOSED);
  }

  /** Frees the device and everything made on it. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.gpu.destroy();
  }
}

/**
 * The system's preferred adapter. On Linux, unless the user says otherwise, that is Vulkan's or none: where there is no Vulkan,
 * Deno falls back to OpenGL, which lacks f16 and subgroups, and on which some kernels hang. And XDG_RUNTIME_DIR is set to
 * something meanwhile: Mesa's drivers complain where it is not, which only a display needs.
 */
async function findAdapter(): Promise<GPUAdapter | null | undefined> {
  const find = () => navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (Deno.build.os !== "linux") return await find();
  const wanted = Object.entries({ DENO_WEBGPU_BACKEND: "vulkan", XDG_RUNTIME_DIR: "/tmp" });
  const allowed = wanted.filter(([variable]) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted"
  );
  const missing = allowed.filter(([name]) => !Deno.env.has(name));
  for (const [name, value] of missing) Deno.env.set(name, value);
  try {
    return await find();
  } finally {
    for (const [name] of missing) Deno.env.delete(name);
  }
}
