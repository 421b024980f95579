/**
 * Kernels by hand: any WGSL on any arrays, run, read and timed.
 *
 * @module
 */
import type { Kernel } from "../../../kernels/wgsl/kernel.ts";
import { DeviceError, OptionError } from "../../errors.ts";
import { Device, type DeviceOptions } from "./device.ts";

/** Kernels, and the arrays that they work on. */
export interface GpuJob {
  /** The kernels, run one after the other. */
  readonly kernels: readonly Kernel[];
  /**
   * The first bindings, which kernels write: arrays to be worked on in place, or how many 32-bit values there are to write.
   * What is not written stays NaN.
   */
  readonly outputs: readonly (number | ArrayBufferView)[];
  /** The bindings behind them, which kernels only read. */
  readonly inputs: readonly ArrayBufferView[];
  /** For each kernel, which of outputs and inputs, counted through, its bindings are; all of them when absent. */
  readonly bindings?: readonly (readonly number[])[];
  /** Tokens: what a kernel's number of workgroups and its `step` depend on; 1 when absent. */
  readonly tokens?: number;
  /** The first token's position, for kernels that have a `step`; 0 when absent. */
  readonly position?: number;
}

/** Options of a race. */
export interface RaceOptions {
  /** Approximate seconds for all rounds; 1 when absent. There are at least three rounds. */
  readonly seconds?: number;
  /**
   * Bytes of copies of a job's inputs that take turns: with more of them than the GPU's caches hold, inputs come from memory,
   * as a model's weights do. Without copies when absent.
   */
  readonly bytes?: number;
}

/** Values behind each output, where no kernel may write. */
const BEHIND = 64;

/** Rounds at least and at most. */
const [ROUNDS, MOST_ROUNDS] = [3, 100];

/** Times that a job is run in one turn, at most. */
const REPEATS = 4096;

/** Copies of an input at most. */
const COPIES = 1024;

/** A job that is ready to be run. */
interface Prepared {
  /** A buffer for each output. */
  readonly outputs: readonly GPUBuffer[];
  /** Pipeline, bindings and workgroups of each kernel, for each copy of the inputs. */
  readonly turns: readonly (readonly Dispatch[])[];
  /** The index of the next copy. */
  next: number;
}

/** What mistakes are said to be of. */
type Named = Pick<GpuJob, "kernels">;

/** A job in a race. */
interface Contestant {
  readonly prepared: Prepared;
  /** Times that it is run in a turn. */
  repeats: number;
}

interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** Buffers that are made for some jobs and destroyed after them. */
class Buffers implements Disposable {
  readonly #gpu: GPUDevice;
  readonly #all: { destroy(): void }[] = [];
  /** Jobs that share an array share its copies. */
  readonly #copies = new Map<ArrayBufferView, GPUBuffer[]>();

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  make(size: number, usage: number): GPUBuffer {
    return this.keep(this.#gpu.createBuffer({ size: Math.max(16, Math.ceil(size / 4) * 4), usage }));
  }

  keep<T extends { destroy(): void }>(thing: T): T {
    this.#all.push(thing);
    return thing;
  }

  upload(data: ArrayBufferView, usage: number = GPUBufferUsage.STORAGE): GPUBuffer {
    const buffer = this.make(data.byteLength, usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC);
    // Threads may share the memory, and a part of a word cannot be written.
    const bytes = new Uint8Array(Math.ceil(data.byteLength / 4) * 4);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.#gpu.queue.writeBuffer(buffer, 0, bytes);
    return buffer;
  }

  copy(data: ArrayBufferView, index: number): GPUBuffer {
    let copies = this.#copies.get(data);
    if (!copies) this.#copies.set(data, copies = []);
    return copies[index] ??= this.upload(data);
  }

  [Symbol.dispose](): void {
    for (const thing of this.#all) thing.destroy();
  }
}

/**
 * A GPU to try kernels on. Mistakes in a kernel are thrown and spoil nothing: the next one runs.
 *
 * It takes any adapter that WebGPU finds, a software one too: ask {@linkcode GpuLab.software} before times are believed.
 *
 * @example
 * ```ts
 * import { DeviceError } from "any4";
 * import { GpuLab, type Kernel } from "any4/compute";
 * import { assertEquals } from "@std/assert";
 *
 * const double: Kernel = {
 *   name: "double",
 *   code: `
 * @group(0) @binding(0) var<storage, read_write> out: array<f32>;
 * @group(0) @binding(1) var<storage, read> x: array<f32>;
 *
 * @compute @workgroup_size(64)
 * fn main(@builtin(global_invocation_id) id: vec3u) {
 *   if (id.x < 3u) { out[id.x] = 2.0 * x[id.x]; }
 * }`,
 *   workgroups: () => [1, 1, 1],
 * };
 * try {
 *   using lab = await GpuLab.open();
 *   const [out] = await lab.run({ kernels: [double], outputs: [3], inputs: [Float32Array.of(1, 2, 3)] });
 *   assertEquals(out, Float32Array.of(2, 4, 6));
 * } catch (error) {
 *   if (!(error instanceof DeviceError)) throw error;
 *   assertEquals(error.message, "Cannot use WebGPU: this machine has no adapter");
 * }
 * ```
 */
export class GpuLab implements Disposable {
  readonly #device: Device;
  readonly #compiled = new Map<string, GPUComputePipeline>();
  /** What is under way: a mistake is known by when it happens, so that jobs wait for one another. */
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(device: Device) {
    this.#device = device;
  }

  /**
   * Opens the system's preferred adapter.
   *
   * @throws {DeviceError} when there is none.
   */
  static async open(options: DeviceOptions = {}): Promise<GpuLab> {
    return new GpuLab(await Device.open(options));
  }

  /** The adapter's name. */
  get description(): string {
    return this.#device.description;
  }

  /** Whether the processor plays the GPU: then its times say nothing about GPUs. */
  get software(): boolean {
    return this.#device.software;
  }

  /** Its optional features: "shader-f16", "subgroups", "timestamp-query". */
  get features(): ReadonlySet<string> {
    return this.#device.features;
  }

  /** Invocations of a subgroup at least; 0 without subgroups. */
  get subgroupSize(): number {
    return this.#device.subgroupSize;
  }

  /** Bytes of workgroup memory. */
  get workgroupBytes(): number {
    return this.#device.workgroupBytes;
  }

  /** Invocations of a workgroup at most. */
  get workgroupSize(): number {
    return this.#device.workgroupSize;
  }

  /**
   * Runs a job.
   *
   * @returns the outputs' words as float32, in arrays that belong to the caller.
   * @throws {DeviceError} when a kernel does not compile (with line and column), needs what the GPU lacks, cannot have these
   * bindings, or writes behind an output.
   * @throws {OptionError} when a kernel's text has other bindings than the job gives it.
   */
  async run(job: GpuJob): Promise<Float32Array[]> {
    using buffers = new Buffers(this.#device.gpu);
    return await this.#guarded(job, async () => {
      const prepared = await this.#prepare(job, { buffers, copies: 1 });
      const { outputs } = prepared;
      const { gpu } = this.#device;
      const encoder = gpu.createCommandEncoder();
      record(encoder.beginComputePass(), prepared, 1);
      const landings = outputs.map(({ size }) =>
        buffers.make(size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
      );
      for (const [i, { size }] of outputs.entries()) {
        encoder.copyBufferToBuffer(outputs[i]!, 0, landings[i]!, 0, size);
      }
      gpu.queue.submit([encoder.finish()]);
      const results: Float32Array[] = [];
      for (const landing of landings) {
        results.push(new Float32Array(await this.#device.read(landing, landing.size)));
      }
      return results.map((data, i) => {
        if (!data.subarray(data.length - BEHIND).every(Number.isNaN)) {
          throw new DeviceError(`Kernel ${nameOf(job)} writes behind the end of output ${i}`);
        }
        return data.subarray(0, data.length - BEHIND);
      });
    });
  }

  /**
   * Lets jobs take turns, so that what slows the machine slows them alike.
   *
   * @returns seconds that each takes, the median of the rounds: by the GPU's own clock where it has one ("timestamp-query"),
   * otherwise with the way there and back.
   * @throws {DeviceError} as {@linkcode GpuLab.run} does.
   * @throws {OptionError} as {@linkcode GpuLab.run} does.
   */
  async race(jobs: readonly GpuJob[], options: RaceOptions = {}): Promise<number[]> {
    const { seconds = 1, bytes = 0 } = options;
    if (jobs.length === 0) return [];
    using buffers = new Buffers(this.#device.gpu);
    const contestants: Contestant[] = [];
    for (const job of jobs) {
      const all = job.inputs.reduce((sum, { byteLength }) => sum + byteLength, 0);
      const copies = Math.min(Math.max(1, Math.ceil(bytes / Math.max(all, 1))), COPIES);
      // What is wrong with a job is known by its first turn.
      contestants.push(
        await this.#guarded(job, async () => {
          const contestant = { prepared: await this.#prepare(job, { buffers, copies }), repeats: 1 };
          await this.#clock([contestant], { buffers });
          return contestant;
        }),
      );
    }
    const all = { kernels: jobs.flatMap(({ kernels }) => kernels) };
    const clock = (rounds: number) => this.#guarded(all, () => this.#clock(contestants, { buffers, rounds }));
    // A turn is long beside the clock's grain, 10 milliseconds where it is not the GPU's.
    const least = this.features.has("timestamp-query") ? 0.002 : 0.1;
    let [taken] = await clock(1) as [number[]];
    const isShort = ({ repeats }: Contestant, i: number) => taken[i]! < least && repeats < REPEATS;
    while (contestants.some(isShort)) {
      for (const contestant of contestants.filter(isShort)) contestant.repeats *= 2;
      [taken] = await clock(1) as [number[]];
    }
    const round = taken.reduce((sum, one) => sum + one, 0);
    const times = await clock(Math.min(Math.max(ROUNDS, Math.ceil(seconds / round)), MOST_ROUNDS));
    return contestants.map(({ repeats }, i) => {
      const sorted = times.map((one) => one[i]! / repeats).sort((a, b) => a - b);
      return sorted[sorted.length >> 1]!;
    });
  }

  /** Uploads, compiles and binds. */
  async #prepare(
    job: GpuJob,
    { buffers, copies }: { buffers: Buffers; copies: number },
  ): Promise<Prepared> {
    const { tokens = 1, position = 0 } = job;
    const outputs = job.outputs.map((output) => {
      const words = typeof output === "number" ? output : output.byteLength / 4;
      const data = new Float32Array(words + BEHIND).fill(NaN);
      if (typeof output !== "number") {
        new Uint8Array(data.buffer).set(new Uint8Array(output.buffer, output.byteOffset, output.byteLength));
      }
      return buffers.upload(data);
    });
    const step = buffers.upload(Uint32Array.of(tokens, position, 0, 0), GPUBufferUsage.UNIFORM);
    const { gpu } = this.#device;
    const pipelines: GPUComputePipeline[] = [];
    for (const kernel of job.kernels) pipelines.push(await this.#pipeline(kernel));
    const turns = Array.from({ length: copies }, (_, copy) => {
      const all = [...outputs, ...job.inputs.map((input) => buffers.copy(input, copy))];
      return job.kernels.map((kernel, k): Dispatch => {
        const bound = job.bindings?.[k]?.map((at) => all[at]!) ?? all;
        const kinds = bindingKinds(kernel.code);
        const steps = kinds.includes("uniform") ? [step] : [];
        if (kinds.length !== bound.length + steps.length) {
          throw new OptionError(
            `Cannot run ${kernel.name}: its text has ${kinds.length - steps.length} bindings${
              steps.length > 0 ? " and the step" : ""
            }, the job gives it ${bound.length}`,
          );
        }
        return {
          pipeline: pipelines[k]!,
          group: gpu.createBindGroup({
            layout: pipelines[k]!.getBindGroupLayout(0),
            entries: [...bound, ...steps].map((buffer, binding) => ({ binding, resource: { buffer } })),
          }),
          workgroups: kernel.workgroups(tokens),
        };
      });
    });
    return { outputs, turns, next: 0 };
  }

  /** A compiled kernel, whose bindings are all that its text names, used or not. */
  async #pipeline(kernel: Kernel): Promise<GPUComputePipeline> {
    const known = this.#compiled.get(kernel.code);
    if (known) return known;
    const lacking = kernel.features?.find((feature) => !this.features.has(feature));
    if (lacking) throw new DeviceError(`Cannot run ${kernel.name}: ${this.description} lacks ${lacking}`);
    const { gpu } = this.#device;
    const layout = gpu.createPipelineLayout({
      bindGroupLayouts: [gpu.createBindGroupLayout({
        entries: bindingKinds(kernel.code).map((type, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type },
        })),
      })],
    });
    const { pipeline, mistake } = this.#device.compile(kernel.name, kernel.code, layout);
    const message = await mistake;
    if (message !== undefined) throw new DeviceError(message);
    this.#compiled.set(kernel.code, pipeline);
    return pipeline;
  }

  /** Does something whose mistakes are the job's and not the device's. */
  #guarded<T>(job: Named, work: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(() => this.#watched(job, work));
    this.#busy = result.catch(() => {});
    return result;
  }

  async #watched<T>(job: Named, work: () => Promise<T>): Promise<T> {
    const { gpu } = this.#device;
    this.#device.assertAlive();
    const scopes = ["validation", "out-of-memory"] as const;
    for (const scope of scopes) gpu.pushErrorScope(scope);
    let done: T | undefined;
    let thrown: { error: unknown } | undefined;
    try {
      done = await work();
    } catch (error) {
      thrown = { error };
    }
    const errors = await Promise.all(scopes.map(() => gpu.popErrorScope()));
    // WebGPU does not run refused work, so further errors follow from the first.
    const found = errors.find((error) => error !== null);
    if (found) throw new DeviceError(`Kernel ${nameOf(job)} cannot run: ${found.message}`);
    if (thrown) throw thrown.error;
    await this.#device.check();
    return done!;
  }

  /**
   * Seconds that the turns of each round take. By the GPU's own clock nothing is waited for between them: a GPU that rests
   * lowers its frequency.
   */
  async #clock(
    contestants: readonly Contestant[],
    { buffers, rounds = 1 }: { buffers: Buffers; rounds?: number },
  ): Promise<number[][]> {
    const { gpu } = this.#device;
    const times: number[][] = [];
    if (!this.features.has("timestamp-query")) {
      for (let r = 0; r < rounds; r++) {
        times.push([]);
        for (const { prepared, repeats } of contestants) {
          await gpu.queue.onSubmittedWorkDone();
          const encoder = gpu.createCommandEncoder();
          record(encoder.beginComputePass(), prepared, repeats);
          const start = performance.now();
          gpu.queue.submit([encoder.finish()]);
          await gpu.queue.onSubmittedWorkDone();
          times[r]!.push((performance.now() - start) / 1000);
        }
      }
      return times;
    }
    const count = 2 * contestants.length;
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    const resolved = buffers.make(8 * count, QUERY_RESOLVE | COPY_SRC);
    const landing = buffers.make(8 * count * rounds, MAP_READ | COPY_DST);
    for (let r = 0; r < rounds; r++) {
      const querySet = buffers.keep(gpu.createQuerySet({ type: "timestamp", count }));
      const encoder = gpu.createCommandEncoder();
      for (const [i, { prepared, repeats }] of contestants.entries()) {
        const [beginningOfPassWriteIndex, endOfPassWriteIndex] = [2 * i, 2 * i + 1];
        const timestampWrites = { querySet, beginningOfPassWriteIndex, endOfPassWriteIndex };
        record(encoder.beginComputePass({ timestampWrites }), prepared, repeats);
      }
      encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, landing, 8 * count * r, 8 * count);
      gpu.queue.submit([encoder.finish()]);
    }
    const stamps = new BigUint64Array(await this.#device.read(landing, landing.size));
    for (let at = 0; at < stamps.length; at += count) {
      times.push(contestants.map((_, i) => Number(stamps[at + 2 * i + 1]! - stamps[at + 2 * i]!) / 1e9));
    }
    return times;
  }

  /** Frees the device. */
  [Symbol.dispose](): void {
    this.#device[Symbol.dispose]();
  }
}

/** Records a job so many times, going on with the copies where the last turn ended, and ends the pass. */
function record(pass: GPUComputePassEncoder, prepared: Prepared, repeats: number): void {
  for (let i = 0; i < repeats; i++) {
    for (const { pipeline, group, workgroups } of prepared.turns[prepared.next++ % prepared.turns.length]!) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
    }
  }
  pass.end();
}

const BINDING = /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(uniform|storage(?:\s*,\s*(\w+))?)\s*>/g;

/** What the bindings that a text names are, in their order. */
export function bindingKinds(code: string): GPUBufferBindingType[] {
  const kinds: GPUBufferBindingType[] = [];
  for (const [, number, space, access] of code.matchAll(BINDING)) {
    kinds[Number(number)] = space === "uniform"
      ? "uniform"
      : access === "read_write"
      ? "storage"
      : "read-only-storage";
  }
  return Array.from(kinds, (kind) => kind ?? "read-only-storage");
}

function nameOf({ kernels }: Named): string {
  return kernels.map(({ name }) => name).join(", then ");
}
