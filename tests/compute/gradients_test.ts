/**
 * Gradients of operations: the plain ones against finite differences, those of WASM and WebGPU against the plain ones.
 *
 * @module
 */
import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { type Activation, activationNames, type Backend, type Tensor } from "../../lib/compute/backend.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { WasmBackend } from "../../lib/compute/wasm/backend.ts";
import { Pool } from "../../lib/compute/wasm/pool.ts";
import { WebGpuBackend } from "../../lib/compute/webgpu/backend.ts";
import { TensorError } from "../../lib/errors.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { gpuReason, hasGpu } from "../gpu.ts";

const random = new Random(3);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

const plain = new PlainBackend();
const threads = new Pool({ threads: 3 });
globalThis.addEventListener("unload", () => threads[Symbol.dispose]());
/** Both builds of the kernels, and pieces as small as can be over threads. */
const wasms = ["any4_relaxed.wasm", "any4_simd.wasm"].map((file) => {
  const bytes = Deno.readFileSync(new URL(`../../kernels/wasm/${file}`, import.meta.url));
  return new WasmBackend(new Pool({ threads: 1, module: new WebAssembly.Module(bytes) }));
});
const pieces = new WasmBackend(threads, { worthwhile: 1 });

/** A test of WebGPU, where there is one. */
function testGpu(name: string, run: (gpu: Backend) => Promise<void>): void {
  Deno.test({
    name: `${name} on WebGPU${gpuReason}`,
    ignore: !hasGpu,
    async fn() {
      using gpu = await WebGpuBackend.open({ tune: false });
      await run(gpu);
    },
  });
}

/** An operation: its inputs' columns, its rows, what it computes and the gradients by its inputs. */
interface Operation {
  readonly name: string;
  readonly rows: number;
  /** [rows, cols] of each input. */
  readonly inputs: readonly (readonly [number, number])[];
  readonly outputCols: number;
  readonly forward: (backend: Backend, out: Tensor, inputs: Tensor[], values: Float32Array[]) => void;
  readonly backward: (
    backend: Backend,
    by: Tensor[],
    of: { inputs: Tensor[]; values: Float32Array[]; g: Tensor },
  ) => void;
}

const tensor = (backend: Backend, rows: number, values: Float32Array) => {
  const made = backend.tensor(rows, values.length / rows);
  backend.write(made, values);
  return made;
};

const vector = (data: Float32Array) => ({ rows: 1, cols: data.length, data });

function norm(cols: number, { centered, heads = 1 }: { centered: boolean; heads?: number }): Operation {
  const epsilon = 0.1;
  return {
    name: `${centered ? "layerNorm" : "rmsNorm"} of ${heads} × ${cols}`,
    rows: 5,
    inputs: [[5, heads * cols], [1, cols], [1, cols]],
    outputCols: heads * cols,
    forward: (backend, out, [x], [, w, b]) => {
      const weight = backend.weight(vector(w!));
      if (centered) backend.layerNorm(out, x!, { weight, bias: backend.weight(vector(b!)), epsilon });
      else backend.rmsNorm(out, x!, { weight, epsilon });
    },
    backward: (backend, [x, w, b], { inputs, values, g }) => {
      const by = { x: x!, weight: w!, bias: centered ? b! : undefined };
      const weight = backend.weight(vector(values[1]!));
      backend.gradients!.norm(by, { x: inputs[0]!, weight, epsilon, centered, g });
    },
  };
}

function activate(activation: Activation, gated: boolean): Operation {
  return {
    name: `${gated ? "gated " : ""}${activation}`,
    rows: 3,
    inputs: gated ? [[3, 7], [3, 7]] : [[3, 7]],
    outputCols: 7,
    forward: (backend, out, [x, up]) => backend.activate(out, x!, { activation, up }),
    backward: ({ gradients: own }, [x, up], { inputs: [a, b], g }) => {
      own!.activate({ x: x!, up }, { x: a!, up: b, activation, g });
    },
  };
}

function attention(
  shape: { tokens: number; heads: number; kvHeads: number; headDim: number },
  options: { softcap?: number; window?: number } = {},
): Operation {
  const { tokens, heads, kvHeads, headDim } = shape;
  const [wide, narrow] = [heads * headDim, kvHeads * headDim];
  const scale = 0.3;
  return {
    name: `attention ${JSON.stringify({ ...shape, ...options })}`,
    rows: tokens,
    inputs: [[tokens, wide], [tokens, narrow], [tokens, narrow]],
    outputCols: wide,
    forward: (backend, out, [q, k, v]) => {
      const cache = backend.cache({ layers: 1, kvHeads, headDim, capacity: tokens });
      backend.attention(out, { q: q!, k: k!, v: v! }, { cache, layer: 0, position: 0, scale, ...options });
    },
    backward: ({ gradients: own }, [q, k, v], { inputs, g }) => {
      const [a, b, c] = inputs;
      own!.attention({ q: q!, k: k!, v: v! }, { q: a!, k: b!, v: c!, g, headDim, scale, ...options });
    },
  };
}

const columns: Operation = {
  name: "columns in pieces",
  rows: 4,
  inputs: [[4, 20]],
  outputCols: 6,
  forward: (backend, out, [x]) => backend.columns(out, x!, { from: 2, width: 3, stride: 8 }),
  backward: ({ gradients: own }, [x], { g }) => own!.columns(x!, g, { from: 2, width: 3, stride: 8 }),
};

const operations: Operation[] = [
  norm(9, { centered: false }),
  norm(6, { centered: false, heads: 3 }),
  norm(9, { centered: true }),
  ...activationNames.flatMap((name) => [activate(name, false), activate(name, true)]),
  attention({ tokens: 7, heads: 4, kvHeads: 2, headDim: 6 }),
  attention({ tokens: 9, heads: 2, kvHeads: 2, headDim: 8 }, { softcap: 0.7 }),
  attention({ tokens: 9, heads: 3, kvHeads: 1, headDim: 4 }, { window: 3 }),
  columns,
];

/** The gradients of Σ g · out that an operation finds, added to ones. */
async function found(
  { inputs, backward }: Operation,
  backend: Backend,
  { values, g, rows }: { values: Float32Array[]; g: Float32Array; rows: number },
): Promise<Float32Array[]> {
  const by = inputs.map(([rows, cols]) => tensor(backend, rows, new Float32Array(rows * cols).fill(1)));
  const tensors = inputs.map(([rows], i) => tensor(backend, rows, values[i]!));
  backward(backend, by, { inputs: tensors, values, g: tensor(backend, rows, g) });
  return await Promise.all(by.map((each) => backend.read(each)));
}

for (const operation of operations) {
  const { name, rows, inputs, outputCols, forward } = operation;
  Deno.test(`gradients of ${name} are those of finite differences, and the same in WASM`, async () => {
    const values = inputs.map(([rows, cols]) => normal(rows * cols));
    const g = normal(rows * outputCols);
    const loss = async () => {
      const out = plain.tensor(rows, outputCols);
      forward(plain, out, inputs.map(([rows], i) => tensor(plain, rows, values[i]!)), values);
      return (await plain.read(out)).reduce((sum, value, i) => sum + value * g[i]!, 0);
    };
    const exact = await found(operation, plain, { values, g, rows });
    for (const [i, data] of values.entries()) {
      if (name.startsWith("rmsNorm") && i === 2) continue;
      const differences = new Float32Array(data.length);
      for (let at = 0; at < data.length; at++) {
        const kept = data[at]!;
        const [low, high] = [Math.fround(kept - 0.01), Math.fround(kept + 0.01)];
        data[at] = high;
        const above = await loss();
        data[at] = low;
        const below = await loss();
        data[at] = kept;
        differences[at] = 1 + (above - below) / (high - low);
      }
      assertLess(relativeError(exact[i]!, differences), name.endsWith("relu") ? 0.02 : 2e-3, `input ${i}`);
    }
    const alone = await found(operation, wasms[0]!, { values, g, rows });
    for (const backend of wasms) {
      const got = await found(operation, backend, { values, g, rows });
      got.forEach((each, i) => assertLess(relativeError(each, exact[i]!), 1e-5, `input ${i}`));
    }
    assertEquals(await found(operation, pieces, { values, g, rows }), alone);
  });
}

/** What takes more than one workgroup, or vectors of four. */
const larger: Operation[] = [
  norm(300, { centered: false }),
  norm(64, { centered: true, heads: 3 }),
  attention({ tokens: 70, heads: 4, kvHeads: 2, headDim: 64 }),
  attention({ tokens: 100, heads: 3, kvHeads: 1, headDim: 20 }, { softcap: 5, window: 40 }),
];

for (const operation of [...operations, ...larger]) {
  const { name, rows, inputs, outputCols } = operation;
  testGpu(`gradients of ${name} are the plain ones`, async (gpu) => {
    const values = inputs.map(([rows, cols]) => normal(rows * cols));
    const g = normal(rows * outputCols);
    // What an earlier call has left behind does not count.
    await found(operation, gpu, { values: values.map((each) => each.map(() => NaN)), g, rows });
    const exact = await found(operation, plain, { values, g, rows });
    const got = await found(operation, gpu, { values, g, rows });
    got.forEach((each, i) => assertLess(relativeError(each, exact[i]!), 1e-5, `input ${i}`));
    assertEquals(await found(operation, gpu, { values, g, rows }), got);
  });
}

const SIZES = [[1, 1, 1], [5, 3, 7], [8, 16, 8], [13, 1100, 9], [37, 65, 70], [130, 70, 129]] as const;

/** Products of all sizes, the same for every backend. */
async function products(backend: Backend): Promise<Float32Array[]> {
  const random = new Random(8);
  const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
  const results: Float32Array[] = [];
  for (const [m, k, n] of SIZES) {
    for (const turned of [false, true]) {
      const [a, b, start] = [normal(m * k), normal(k * n), normal(m * n)];
      const expected = start.map((value, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        for (let l = 0; l < k; l++) value += a[turned ? l * m + i : i * k + l]! * b[l * n + j]!;
        return value;
      });
      const sum = tensor(backend, m, start);
      backend.gradients!.product(sum, {
        a: tensor(backend, turned ? k : m, a),
        b: tensor(backend, k, b),
        turned,
      });
      const found = await backend.read(sum);
      assertLess(relativeError(found, expected), 1e-5, `${m} × ${k} × ${n}`);
      results.push(found);
    }
  }
  return results;
}

Deno.test("product() adds a · b and aᵀ · b to a sum, with the same bits in pieces", async () => {
  await products(plain);
  const [alone] = await Promise.all(wasms.map(products));
  assertEquals(await products(pieces), alone);
});

testGpu("product() adds a · b and aᵀ · b to a sum", async (gpu) => void await products(gpu));

Deno.test("product() throws on shapes that do not fit", () => {
  for (const backend of [plain, pieces]) {
    const [sum, a, b] = [backend.tensor(2, 3), backend.tensor(2, 4), backend.tensor(5, 3)];
    assertThrows(() => backend.gradients!.product(sum, { a, b }), TensorError, "[2, 4] · [5, 3]");
  }
});

async function checkBias(backend: Backend): Promise<void> {
  const g = normal(50 * 37);
  const expected = Float32Array.from({ length: 37 }, (_, c) => {
    let sum = 1;
    for (let t = 0; t < 50; t++) sum += g[t * 37 + c]!;
    return sum;
  });
  const sum = tensor(backend, 1, new Float32Array(37).fill(1));
  backend.gradients!.bias(sum, tensor(backend, 50, g));
  assertLess(relativeError(await backend.read(sum), expected), 1e-6);
}

async function checkOthers(backend: Backend): Promise<void> {
  const y = normal(3 * 7).map((value) => 5 * Math.tanh(value));
  const g = normal(3 * 7);
  const by = tensor(backend, 3, g);
  backend.gradients!.softcap(by, { y: tensor(backend, 3, y), cap: 5 });
  const expected = g.map((value, i) => value * (1 - (y[i]! / 5) ** 2));
  assertLess(relativeError(await backend.read(by), expected), 1e-6);
  const x = tensor(backend, 3, y.map(() => NaN));
  backend.gradients!.zero(x);
  assertEquals(await backend.read(x), new Float32Array(3 * 7));
}

Deno.test("bias() sums columns, softcap() changes a gradient in place, zero() begins a sum", async () => {
  for (const backend of [plain, ...wasms, pieces]) {
    await checkBias(backend);
    await checkOthers(backend);
  }
});

testGpu("bias() sums columns, softcap() changes a gradient in place, zero() begins a sum", async (gpu) => {
  await checkBias(gpu);
  await checkOthers(gpu);
});
