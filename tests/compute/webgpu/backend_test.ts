/**
 * The WebGPU backend against the plain one. What each kernel computes is tested beside the kernels; here is how they are
 * put together, what a device may lack, and that nothing is kept.
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { calibrate, generate, loadModel, type Model, perplexity, quantize, quantizeModel } from "any4";
import { DeviceError, MemoryError, TensorError } from "../../../lib/errors.ts";
import type { Backend, Tensor } from "../../../lib/compute/backend.ts";
import { createBackend } from "../../../lib/compute/create_backend.ts";
import { PlainBackend } from "../../../lib/compute/plain.ts";
import { WebGpuBackend, type WebGpuOptions } from "../../../lib/compute/webgpu/backend.ts";
import { relativeError } from "../../../lib/measure/layer_error.ts";
import { Random } from "../../../lib/random.ts";
import { gpuReason, hasGpu } from "../../gpu.ts";
import { hasStories, storiesFolder, storiesMeasure, storiesReason } from "../../stories.ts";

const random = new Random(31);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const plain = new PlainBackend();

function test(name: string, fn: () => Promise<void>, { stories = false } = {}): void {
  const reason = gpuReason || (stories ? storiesReason : "");
  Deno.test({ name: name + reason, ignore: !hasGpu || (stories && !hasStories), fn });
}

const open = (options: WebGpuOptions = {}) => WebGpuBackend.open({ tune: false, ...options });

/** A tensor with values, or with NaN, that any correct operation overwrites. */
function tensor(backend: Backend, rows: number, values: Float32Array | number): Tensor {
  const cols = typeof values === "number" ? values : values.length / rows;
  const data = typeof values === "number" ? new Float32Array(rows * cols).fill(NaN) : values;
  const made = backend.tensor(rows, cols);
  backend.write(made, data);
  return made;
}

/** Runs an operation on both backends and compares their results. */
async function compare(
  backend: Backend,
  run: (backend: Backend) => Tensor,
  { name, tolerance = 1e-5 }: { name: string; tolerance?: number },
): Promise<void> {
  const [got, expected] = [await backend.read(run(backend)), await plain.read(run(plain))];
  assertLess(relativeError(got, expected), tolerance, name);
}

const formats = ["any4", "any3", "any2", "int8", "int4", "nf4", "mx4"];

async function compareLinears(backend: Backend, name: string, most = 20): Promise<void> {
  for (const [i, format] of ["F32", "F16", "BF16", ...formats].entries()) {
    const [rows, cols] = [[37, 96], [5, 33], [18, 320]][i % 3] as [number, number];
    // Sixteenths up to 4: every type holds them.
    const dense = { rows, cols, data: normal(rows * cols).map((x) => Math.round(16 * x) / 16) };
    const weight = i < 3
      ? { ...dense, dtype: format as "F32" }
      : quantize(dense, { format, groupSize: i % 2 ? 32 : 7 });
    const bias = { rows: 1, cols: rows, data: normal(rows) };
    for (const tokens of [1, 3, 20].filter((n) => n <= most)) {
      const x = normal(tokens * cols);
      await compare(backend, (b) => {
        const out = tensor(b, tokens, rows);
        const added = tokens === 3 ? b.weight(bias) : undefined;
        b.linear(out, tensor(b, tokens, x), { weight: b.weight(weight), bias: added });
        return out;
      }, { name: `${name}: ${format}, ${tokens} × ${rows} × ${cols}` });
    }
  }
}

test("linear() of the WebGPU backend agrees with the plain one, whatever the device lacks", async () => {
  for (const without of [[], ["shader-f16", "subgroups", "timestamp-query"]]) {
    using backend = await open({ without });
    for (const feature of without) assert(!backend.device.features.has(feature));
    await compareLinears(backend, `without ${without.join()}`);
  }
});

test("activations of halves and bytes change a product by as much as they say", async () => {
  const [rows, cols] = [40, 256];
  for (const [activations, least, most] of [["f16", 1e-6, 2e-3], ["int8", 1e-3, 0.03]] as const) {
    using backend = await open({ activations });
    if (activations === "f16" && !backend.device.features.has("shader-f16")) continue;
    for (const format of ["any4", "any3", "any2", "nf4"]) {
      const weight = quantize({ rows, cols, data: normal(rows * cols) }, { format, groupSize: 64 });
      for (const tokens of [1, 4]) {
        const x = normal(tokens * cols);
        const run = (b: Backend) => {
          const out = tensor(b, tokens, rows);
          b.linear(out, tensor(b, tokens, x), { weight: b.weight(weight) });
          return b.read(out);
        };
        const error = relativeError(await run(backend), await run(plain));
        assertLess(least, error, `${activations} ${format}: not rounded`);
        assertLess(error, most, `${activations} ${format}`);
      }
    }
  }
});

test("weights larger than a binding are cut into parts, for linears and embeddings", async () => {
  using backend = await open({ mostBytes: 4096 });
  await compareLinears(backend, "in parts", 3);
  for (const dtype of ["F32", "BF16"] as const) {
    const table = { rows: 200, cols: 24, data: normal(4800).map((x) => Math.round(16 * x) / 16), dtype };
    await compare(backend, (b) => {
      const out = tensor(b, 4, 24);
      b.embed(out, b.weight(table), [199, 0, 100, 43]);
      return out;
    }, { name: "embed", tolerance: 1e-30 });
  }
  assertThrows(() => backend.tensor(1, 5000), MemoryError, "4096");
});

test("attention() agrees with the plain backend as the cache grows, and when keys are split", async () => {
  using backend = await open();
  const [heads, kvHeads, headDim] = [4, 2, 8];
  for (const steps of [[1, 1, 5, 1, 20, 2], [200, 100, 1, 300], [1100, 1, 3]]) {
    const tokens = steps.reduce((sum, step) => sum + step);
    const [q, k, v] = [heads, kvHeads, kvHeads].map((n) => normal(tokens * n * headDim));
    await compare(backend, (b) => {
      const cache = b.cache({ layers: 2, kvHeads, headDim, capacity: tokens });
      let [position, out] = [0, tensor(b, 1, 1)];
      for (const step of steps) {
        const part = (x: Float32Array) =>
          tensor(b, step, x.slice(position * x.length / tokens, (position + step) * x.length / tokens));
        out = tensor(b, step, heads * headDim);
        const qkv = { q: part(q!), k: part(k!), v: part(v!) };
        b.attention(out, qkv, { cache, layer: 1, position });
        position += step;
      }
      b.free?.(cache);
      return out;
    }, { name: `attention ${steps}` });
  }
});

test("tinyworld on WebGPU: perplexity, and 64 greedy tokens, are the plain backend's in every format", async () => {
  await compareModels("tinyworld", { maxTokens: 200 });
});

test("stories260K on WebGPU: the same", async () => {
  await compareModels(storiesFolder, { ...storiesMeasure(), maxTokens: 300 });
}, { stories: true });

async function compareModels(name: string, measure: object): Promise<void> {
  using expected = await loadModel(name, { backend: "plain" });
  using model = await loadModel(name, { backend: "webgpu", tune: false });
  const calibration = await calibrate(expected);
  for (const format of ["F32", "any4", "any3", "any2", "int4", "nf4"]) {
    const of = async (model: Model) =>
      format === "F32" ? model : await quantizeModel(model, { format, groupSize: 64, calibration });
    const [a, b] = [await of(expected), await of(model)];
    const [want, got] = [await perplexity(a, measure), await perplexity(b, measure)];
    assertLess(Math.abs(got.perplexity / want.perplexity - 1), 1e-4, `${format}: perplexity`);
    const text = (model: Model) => generate(model, "Once upon a time", { maxTokens: 64 });
    assertEquals((await text(b)).tokens, (await text(a)).tokens, format);
  }
}

test("calibrate() on WebGPU finds what the plain backend finds", async () => {
  using expected = await loadModel("tinyworld", { backend: "plain" });
  using model = await loadModel("tinyworld", { backend: "webgpu", tune: false });
  const options = { maxTokens: 200, gram: true };
  const [want, got] = [await calibrate(expected, options), await calibrate(model, options)];
  for (const [linear, stats] of want) {
    for (const key of ["mean", "meanAbs", "meanSquare", "gram"] as const) {
      assertLess(relativeError(got.get(linear)![key]!, stats[key]!), 1e-4, `${linear} ${key}`);
    }
  }
});

test("sampling from the likeliest tokens draws what sampling from all logits draws", async () => {
  using expected = await loadModel("tinyworld", { backend: "plain" });
  using model = await loadModel("tinyworld", { backend: "webgpu", tune: false });
  for (const options of [{ topK: 50 }, { topP: 0.9 }, { topK: 7, topP: 0.8 }]) {
    const text = async (model: Model) =>
      (await generate(model, "The", { maxTokens: 12, temperature: 1, seed: 5, ...options })).text;
    assertEquals(await text(model), await text(expected));
  }
});

test("several texts may be generated at the same time", async () => {
  using model = await loadModel("tinyworld", { backend: "webgpu", tune: false });
  const prompts = ["Once upon a time", "The king", "12 + 5 ="];
  const text = async (prompt: string) => (await generate(model, prompt, { maxTokens: 12 })).text;
  const together = await Promise.all(prompts.map(text));
  for (const [i, prompt] of prompts.entries()) assertEquals(together[i], await text(prompt));
});

test("1,000 decode steps, and models quantized and disposed of, keep the memory flat", async () => {
  using whole = await loadModel("tinyworld", { backend: "webgpu", tune: false });
  // One layer is enough for every kind of buffer.
  const model = whole.with({ config: { ...whole.config, num_hidden_layers: 1 } });
  const { backend } = model as unknown as { backend: WebGpuBackend };
  const decode = async (steps: number) => {
    using session = model.session(64);
    let next = await session.greedy([1], 50);
    for (let done = 50; done < steps; done += 50) {
      session.position = 0;
      next = await session.greedy(next.slice(-1), 50);
    }
  };
  await decode(100);
  const before = { host: Deno.memoryUsage().rss, device: backend.bytes };
  await decode(1000);
  for (let i = 0; i < 5; i++) {
    using small = await quantizeModel(model, { format: "nf4" });
    using session = small.session(4);
    await session.forward([1, 2]);
  }
  assertLess(backend.bytes - before.device, 2 << 20);
  assertLess(Deno.memoryUsage().rss - before.host, 64 << 20);
});

test("a decode step makes no buffer, no bind group and no pipeline, and takes one submission and one reading", async () => {
  using model = await loadModel("tinyworld", { backend: "webgpu", tune: false });
  const small = await quantizeModel(model, { format: "any3" });
  using session = small.session(64);
  await session.likeliest([1, 2, 3], 1);
  await session.likeliest([4], 1);
  const { gpu } = (model.backend as WebGpuBackend).device;
  const calls = new Map<string, number>();
  const count = (object: object, names: string[]) => {
    for (const name of names) {
      const method = Reflect.get(object, name) as (...args: unknown[]) => unknown;
      Object.defineProperty(object, name, {
        value(...args: unknown[]) {
          calls.set(name, (calls.get(name) ?? 0) + 1);
          return method.apply(object, args);
        },
      });
    }
  };
  count(gpu, ["createBuffer", "createBindGroup", "createComputePipeline", "createShaderModule"]);
  count(gpu.queue, ["submit"]);
  for (let i = 0; i < 3; i++) await session.likeliest([8 + i], 1);
  assertEquals([...calls], [["submit", 3]]);
});

test("50 loads and closes keep the memory flat", async () => {
  const matrix = { rows: 256, cols: 1024, data: normal(1 << 18) };
  const load = async (times: number) => {
    for (let i = 0; i < times; i++) {
      using backend = await open();
      backend.weight(matrix);
      await backend.read(tensor(backend, 1, normal(8)));
    }
  };
  await load(20);
  const before = Deno.memoryUsage().rss;
  await load(30);
  assertLess(Deno.memoryUsage().rss - before, 64 << 20);
});

test("what goes wrong on the device is an error that says what, at the next reading", async () => {
  using backend = await open();
  const x = tensor(backend, 1, normal(8));
  backend.device.gpu.createBuffer({ size: 2 ** 40, usage: GPUBufferUsage.STORAGE });
  await assertRejects(() => backend.read(x), DeviceError);
  using other = await open();
  other.device.pipeline("broken", "@compute @workgroup_size(1) fn main() { let a: u32 = 1.5f; }");
  const error = await assertRejects(() => other.read(tensor(other, 1, normal(4))), DeviceError, "broken");
  assert(error.message.includes("let a: u32 = 1.5f"), error.message);
});

test("a device that is lost is an error, not a hang", async () => {
  const backend = await open();
  const x = tensor(backend, 1, normal(8));
  backend.device.gpu.destroy();
  await assertRejects(() => backend.read(x), DeviceError);
  backend[Symbol.dispose]();
  assertThrows(() => backend.device.assertAlive(), DeviceError);
});

test("what is recorded while something is timed is not lost", async () => {
  using backend = await open();
  const [x, y, z] = [
    tensor(backend, 1, new Float32Array(4)),
    tensor(backend, 1, normal(4)),
    tensor(backend, 1, normal(4)),
  ];
  const timed = backend.seconds(() => backend.add(z, y));
  backend.add(x, y);
  await timed;
  assertEquals(await backend.read(x), await backend.read(y));
});

test("a device that is lost in the middle of a text ends it with a DeviceError, and harms no other", async () => {
  using model = await loadModel("tinyworld", { backend: "webgpu", tune: false });
  using other = await loadModel("tinyworld", { backend: "webgpu", tune: false });
  const expected = await generate(other, "Once upon a time", { maxTokens: 8 });
  const lost = generate(model, "Once upon a time", { maxTokens: 200 });
  const end = assertRejects(() => lost, DeviceError);
  await new Promise((resolve) => setTimeout(resolve, 30));
  (model.backend as WebGpuBackend).device.gpu.destroy();
  await end;
  await assertRejects(() => generate(model, "Once", { maxTokens: 2 }), DeviceError);
  assertEquals(await generate(other, "Once upon a time", { maxTokens: 8 }), expected);
});

test("the WebGPU backend throws on what does not fit", async () => {
  using backend = await open();
  const weight = backend.weight({ rows: 3, cols: 4, data: normal(12) });
  const error = () => backend.linear(backend.tensor(1, 3), backend.tensor(1, 5), { weight });
  assertThrows(error, TensorError, "[1, 5]");
  assertThrows(() => backend.embed(backend.tensor(1, 4), weight, [3]), TensorError, "vocabulary");
  const packed = backend.weight(quantize({ rows: 1, cols: 4, data: normal(4) }, { format: "nf4" }));
  const x = backend.tensor(1, 4);
  assertThrows(() => backend.rmsNorm(x, x, { weight: packed, epsilon: 1e-6 }), TensorError, "packed");
});

Deno.test("auto takes no software GPU, and webgpu where there is none is an error", async () => {
  using backend = await createBackend("auto");
  if (backend instanceof WebGpuBackend) assert(!backend.device.software);
  else assertEquals(backend.name, "wasm");
  const { gpu } = navigator;
  Object.defineProperty(navigator, "gpu", {
    value: { requestAdapter: () => Promise.resolve(null) },
    configurable: true,
  });
  try {
    await assertRejects(() => createBackend("webgpu"), DeviceError, "no adapter");
    using fallback = await createBackend("auto");
    assertEquals(fallback.name, "wasm");
  } finally {
    Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  }
});

test("linears() starts one kernel for weights of one kind, and has the bits of linear() in any case", async () => {
  using backend = await open();
  const { prototype } = GPUComputePassEncoder;
  const { dispatchWorkgroups } = prototype;
  let started = 0;
  prototype.dispatchWorkgroups = function (...workgroups) {
    started++;
    return dispatchWorkgroups.apply(this, workgroups);
  };
  try {
    for (
      const [formats, kernels] of [
        [["any4", "any4", "any4"], 1],
        [["F32", "F32"], 1],
        [["int4", "int4"], 1],
        // Of other names, or of another size of workgroups.
        [["any4", "int3"], 2],
        [["nf4", "F32", "nf4"], 3],
      ] as const
    ) {
      for (const tokens of [1, 7, 18]) {
        const x = tensor(backend, tokens, normal(tokens * 160));
        const products = formats.map((format, i) => {
          const rows = 30 + 7 * i;
          const matrix = { rows, cols: 160, data: normal(rows * 160) };
          const weight = backend.weight(
            format === "F32" ? matrix : quantize(matrix, { format, groupSize: 32 }),
          );
          const bias = i === 0 ? backend.weight({ rows: 1, cols: rows, data: normal(rows) }) : undefined;
          return { out: tensor(backend, tokens, rows), weight, bias };
        });
        started = 0;
        backend.linears(x, products);
        assertEquals(started, tokens === 18 ? formats.length : kernels, `${formats} ${tokens}`);
        for (const { out, ...product } of products) {
          const apart = tensor(backend, tokens, out.cols);
          backend.linear(apart, x, product);
          assertEquals(await backend.read(out), await backend.read(apart), `${formats} ${tokens}`);
        }
      }
    }
  } finally {
    prototype.dispatchWorkgroups = dispatchWorkgroups;
  }
});
