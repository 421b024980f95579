/**
 * Chromium without a screen: a browser to look at pages with, and a second implementation of WebGPU, whose compiler, Tint,
 * is not Deno's.
 *
 * @module
 */
import type { Browser, Page } from "playwright-core";
import type { Kernel } from "../kernels/wgsl/kernel.ts";
import { bindingKinds, type GpuJob } from "../lib/compute/webgpu/gpu_lab.ts";

const PROGRAMS = [
  Deno.env.get("CHROMIUM") ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The browser of this machine, undefined where there is none. */
export function findChromium(): string | undefined {
  return PROGRAMS.find((path) => {
    try {
      return path !== "" && Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** Starts a browser, with what it is told beside. */
export async function startChromium(executablePath: string, args: readonly string[]): Promise<Browser> {
  // Slow to import, and seldom wanted.
  const { chromium } = await import("playwright-core");
  const quiet = ["--headless", "--no-sandbox", "--no-first-run", "--disable-background-networking"];
  return await chromium.launch({ executablePath, args: [...quiet, ...args] });
}

/** Values behind each output, where no kernel may write. */
const BEHIND = 64;

/**
 * SwiftShader, the software that computes here, has no halves. Their names are given to singles, so that everything else
 * in a text is compiled.
 */
const HALVES = "alias f16 = f32; alias vec2h = vec2f; alias vec3h = vec3f; alias vec4h = vec4f;\n";

/** A kernel without what makes it Deno's: text, bindings, and how it is started. */
interface Shader {
  readonly name: string;
  readonly code: string;
  readonly kinds: readonly GPUBufferBindingType[];
}

function shaderOf({ name, code }: Kernel): Shader {
  const halves = code.includes("enable f16;");
  const text = halves ? code.replace("enable f16;", "") : code;
  const [directives] = /^(\s*enable \w+;)*/.exec(text)!;
  return {
    name,
    code: halves ? directives + "\n" + HALVES + text.slice(directives.length) : text,
    kinds: bindingKinds(code),
  };
}

/** A GPU in a page, which runs jobs as a GpuLab does. */
export class ChromiumLab implements Disposable {
  readonly #browser: Browser;
  readonly #page: Page;
  /** What it can do beyond the least. */
  readonly features: ReadonlySet<string>;
  /** Invocations of a subgroup at least. */
  readonly subgroupSize: number;

  private constructor(browser: Browser, page: Page, gpu: { features: string[]; subgroupSize: number }) {
    this.#browser = browser;
    this.#page = page;
    this.features = new Set(gpu.features);
    this.subgroupSize = gpu.subgroupSize;
  }

  /** Starts a browser and opens its software GPU. */
  static async open(program: string): Promise<ChromiumLab> {
    const args = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
    const browser = await startChromium(program, args);
    const page = await browser.newPage();
    // WebGPU wants a page that came by a safe way.
    const [url, body] = ["https://any4.test/", "<!doctype html>"];
    await page.route(url, (route) => route.fulfill({ body, contentType: "text/html" }));
    await page.goto(url);
    return new ChromiumLab(browser, page, await page.evaluate(openInPage));
  }

  /** What is wrong with each kernel's text, line by line; undefined for those that compile. */
  async compile(kernels: readonly Kernel[]): Promise<(string | undefined)[]> {
    return (await this.#page.evaluate(compileInPage, kernels.map(shaderOf))).map((text) => text ?? undefined);
  }

  /** Runs a job: the outputs' words as float32. */
  async run(job: GpuJob): Promise<Float32Array[]> {
    const { tokens = 1, position = 0 } = job;
    const outputs = job.outputs.map((output) => {
      const words = typeof output === "number" ? output : output.byteLength / 4;
      const data = new Float32Array(words + BEHIND).fill(NaN);
      if (typeof output !== "number") bytesOf(data).set(bytesOf(output));
      return data;
    });
    const all = [...outputs, ...job.inputs];
    const results = await this.#page.evaluate(runInPage, {
      outputs: outputs.length,
      arrays: all.map((array) => bytesOf(array).toBase64()),
      step: [tokens, position],
      kernels: job.kernels.map((kernel, k) => ({
        ...shaderOf(kernel),
        bound: job.bindings?.[k] ?? all.map((_, i) => i),
        workgroups: kernel.workgroups(tokens),
      })),
    });
    return results.map((text, i) => {
      const data = new Float32Array(Uint8Array.fromBase64(text).buffer);
      if (!data.subarray(-BEHIND).every(Number.isNaN)) {
        throw new Error(`Output ${i} is written behind its end`);
      }
      return data.subarray(0, -BEHIND);
    });
  }

  [Symbol.dispose](): void {
    this.#browser.close();
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

// What follows runs in the page: each function is sent there as text, alone.

declare global {
  var device: GPUDevice;
}

async function openInPage(): Promise<{ features: string[]; subgroupSize: number }> {
  const adapter = (await navigator.gpu.requestAdapter())!;
  const features = (["subgroups"] as GPUFeatureName[]).filter((name) => adapter.features.has(name));
  const { maxComputeWorkgroupStorageSize } = adapter.limits;
  globalThis.device = await adapter.requestDevice({
    requiredFeatures: features,
    requiredLimits: { maxComputeWorkgroupStorageSize },
  });
  return { features, subgroupSize: adapter.info.subgroupMinSize };
}

async function compileInPage(shaders: Shader[]): Promise<(string | null)[]> {
  // The text alone: to make a pipeline of each would take software an hour.
  return await Promise.all(shaders.map(async ({ name, code }) => {
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ label: name, code });
    const error = await device.popErrorScope();
    const { messages } = await module.getCompilationInfo();
    const lines = messages.map((m) => `${m.type} ${m.lineNum}:${m.linePos} ${m.message}`);
    return error || lines.length > 0 ? [name, ...lines, error?.message].join("\n") : null;
  }));
}

async function runInPage(job: {
  outputs: number;
  arrays: string[];
  step: number[];
  kernels: (Shader & { bound: readonly number[]; workgroups: readonly [number, number, number] })[];
}): Promise<string[]> {
  device.pushErrorScope("validation");
  const buffers = job.arrays.map((text) => {
    const bytes = Uint8Array.fromBase64(text);
    const padded = new Uint8Array(Math.max(16, Math.ceil(bytes.length / 4) * 4));
    padded.set(bytes);
    const buffer = device.createBuffer({ size: padded.length, usage: 0x80 | 0x04 | 0x08 });
    device.queue.writeBuffer(buffer, 0, padded);
    return { buffer, size: bytes.length };
  });
  const step = device.createBuffer({ size: 16, usage: 0x40 | 0x08 });
  device.queue.writeBuffer(step, 0, Uint32Array.from(job.step));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const { name, code, kinds, bound, workgroups } of job.kernels) {
    const entries = kinds.map((type, binding) => ({ binding, visibility: 4, buffer: { type } }));
    const layout = device.createBindGroupLayout({ entries });
    const module = device.createShaderModule({ label: name, code });
    const bindGroupLayouts = [layout];
    const pipeline = device.createComputePipeline({
      layout: device.createPipelineLayout({ bindGroupLayouts }),
      compute: { module, entryPoint: "main" },
    });
    const all = bound.map((at) => buffers[at]!.buffer);
    if (kinds.at(-1) === "uniform") all.push(step);
    pass.setPipeline(pipeline);
    const resources = all.map((buffer, binding) => ({ binding, resource: { buffer } }));
    pass.setBindGroup(0, device.createBindGroup({ layout, entries: resources }));
    pass.dispatchWorkgroups(...workgroups);
  }
  pass.end();
  const landings = buffers.slice(0, job.outputs).map(({ buffer, size }) => {
    const landing = device.createBuffer({ size, usage: 0x01 | 0x08 });
    encoder.copyBufferToBuffer(buffer, 0, landing, 0, size);
    return landing;
  });
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error) throw new Error(error.message);
  const results: string[] = [];
  for (const landing of landings) {
    await landing.mapAsync(1);
    results.push(new Uint8Array(landing.getMappedRange()).toBase64());
    landing.destroy();
  }
  for (const { buffer } of buffers) buffer.destroy();
  return results;
}
