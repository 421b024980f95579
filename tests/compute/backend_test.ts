/**
 * What architectures beyond Llama ask of a backend: every backend against the plain one.
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { activationOf } from "../../lib/compute/activation.ts";
import type { AttentionPlace, Backend, Tensor } from "../../lib/compute/backend.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { WasmBackend } from "../../lib/compute/wasm/backend.ts";
import { Pool } from "../../lib/compute/wasm/pool.ts";
import { WebGpuBackend } from "../../lib/compute/webgpu/backend.ts";
import { TensorError } from "../../lib/errors.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { gpuReason } from "../gpu.ts";

const random = new Random(83);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const plain = new PlainBackend();

/** A tensor with values, or with NaN, that any correct operation overwrites. */
function tensor(backend: Backend, rows: number, values: Float32Array | number): Tensor {
  const cols = typeof values === "number" ? values : values.length / rows;
  const data = typeof values === "number" ? new Float32Array(rows * cols).fill(NaN) : values;
  const made = backend.tensor(rows, cols);
  backend.write(made, data);
  return made;
}

const module = (file: string) =>
  new WebAssembly.Module(Deno.readFileSync(new URL(`../../kernels/wasm/${file}`, import.meta.url)));
const backends: Record<string, () => Promise<Backend>> = {
  "WASM, relaxed": () =>
    Promise.resolve(new WasmBackend(new Pool({ threads: 1, module: module("any4_relaxed.wasm") }))),
  "WASM, in pieces": () =>
    Promise.resolve(
      new WasmBackend(new Pool({ threads: 2, module: module("any4_simd.wasm") }), { worthwhile: 1 }),
    ),
  WebGPU: () => WebGpuBackend.open({ tune: false }),
};

/** A test of an operation on every backend. */
function test(name: string, cases: () => Iterable<(backend: Backend) => Tensor>): void {
  for (const [kind, open] of Object.entries(backends)) {
    const reason = kind === "WebGPU" ? gpuReason : "";
    Deno.test({
      name: `${name}: ${kind}${reason}`,
      ignore: reason !== "",
      async fn() {
        using backend = await open();
        for (const run of cases()) {
          const [got, expected] = [await backend.read(run(backend)), await plain.read(run(plain))];
          assertLess(relativeError(got, expected), 1e-5, run.toString());
        }
      },
    });
  }
}

const SHAPES = [[1, 1], [3, 5], [5, 33], [2, 64], [3, 300], [1, 2052]] as const;

test("embed() takes rows of a packed table", function* () {
  for (const [rows, cols, groupSize] of [[9, 64, 32], [40, 100, "row"], [33, 576, 128]] as const) {
    for (const format of ["any4", "any3", "any2", "int8", "nf4"]) {
      const packed = quantize({ rows, cols, data: normal(rows * cols) }, { format, groupSize });
      yield (backend) => {
        const out = tensor(backend, 3, cols);
        backend.embed(out, backend.weight(packed), [rows - 1, 0, 5]);
        return out;
      };
    }
  }
});

test("layerNorm() normalizes by mean and variance, with and without bias and sum", function* () {
  for (const [rows, cols] of SHAPES) {
    // Far from 0, where a careless variance cancels.
    const x = normal(rows * cols).map((value) => value + 30);
    const [w, b, y] = [normal(cols), normal(cols), normal(rows * cols)];
    for (const [bias, add] of [[true, true], [true, false], [false, true], [false, false]]) {
      yield (backend) => {
        const out = tensor(backend, rows, cols);
        backend.layerNorm(out, tensor(backend, rows, x), {
          weight: backend.weight({ rows: 1, cols, data: w }),
          bias: bias ? backend.weight({ rows: 1, cols, data: b }) : undefined,
          epsilon: 1e-5,
          add: add ? tensor(backend, rows, y) : undefined,
        });
        return out;
      };
    }
  }
});

test("rmsNorm() normalizes heads where its weight is as long as one", function* () {
  for (const [rows, heads, headDim] of [[1, 3, 5], [7, 2, 16]] as const) {
    const [x, w] = [normal(rows * heads * headDim), normal(headDim)];
    yield (backend) => {
      const out = tensor(backend, rows, heads * headDim);
      const weight = backend.weight({ rows: 1, cols: headDim, data: w });
      backend.rmsNorm(out, tensor(backend, rows, x), { weight, epsilon: 1e-6 });
      return out;
    };
  }
});

test("scale() and softcap() change values in place", function* () {
  for (const [rows, cols] of SHAPES) {
    const x = normal(rows * cols).map((value, i) => i % 7 === 0 ? 1000 * value : value);
    for (const by of [0.125, 3, 5.656854249492381]) {
      yield (backend) => {
        const scaled = tensor(backend, rows, x);
        backend.scale(scaled, by);
        return scaled;
      };
      yield (backend) => {
        const capped = tensor(backend, rows, x);
        backend.softcap(capped, by);
        return capped;
      };
    }
  }
});

test("columns() takes pieces of rows", function* () {
  for (const rows of [1, 4]) {
    const x = normal(rows * 36);
    for (
      const [cols, piece] of [
        [5, { from: 7 }],
        [36, { from: 0 }],
        [12, { from: 4, width: 4, stride: 12 }],
        [6, { from: 3, width: 3, stride: 18 }],
      ] as const
    ) {
      yield (backend) => {
        const out = tensor(backend, rows, cols);
        backend.columns(out, tensor(backend, rows, x), piece);
        return out;
      };
    }
  }
});

test("gather() and scatterAdd() go to some rows and back, by way of the first rows of a tensor", function* () {
  for (const cols of [1, 6, 64]) {
    const [x, into] = [normal(9 * cols), normal(9 * cols)];
    for (const rows of [[4], [8, 0, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8]]) {
      yield (backend) => {
        const some = backend.first(tensor(backend, 9, cols), rows.length);
        backend.gather(some, tensor(backend, 9, x), rows);
        const out = tensor(backend, 9, into);
        backend.scatterAdd(out, some, { rows, weights: rows.map((row) => 0.3 + row) });
        return out;
      };
    }
  }
});

test("rope() turns a part of each head, and makes it larger", function* () {
  for (const [half, headDim] of [[1, 8], [3, 7], [4, 8]] as const) {
    const [x, frequencies] = [normal(5 * 3 * headDim), normal(half).map(Math.abs)];
    for (const position of [0, 900]) {
      yield (backend) => {
        const turned = tensor(backend, 5, x);
        backend.rope(turned, { position, frequencies, headDim, magnitude: 1.3 });
        return turned;
      };
    }
  }
});

test("attention() with a window, a scale, a bound and heads that turn in part", function* () {
  const [tokens, heads, kvHeads, headDim] = [23, 4, 2, 12];
  const frequencies = Float32Array.of(1, 0.2, 0.01);
  const [q, k, v] = [heads, kvHeads, kvHeads].map((n) => normal(tokens * n * headDim).map((x) => 2 * x));
  const all: Partial<AttentionPlace>[] = [
    { window: 1 },
    { window: 6 },
    { window: 100 },
    { scale: 0.11 },
    { softcap: 4 },
    { frequencies, magnitude: 1.2 },
    { frequencies, window: 5, scale: 0.5, softcap: 2 },
  ];
  for (const options of all) {
    for (const step of [tokens, 1, 9]) {
      yield (backend) => {
        const cache = backend.cache({ layers: 1, kvHeads, headDim, capacity: tokens });
        let out = tensor(backend, 1, 1);
        for (let from = 0; from < tokens; from += step) {
          const to = Math.min(from + step, tokens);
          const part = (x: Float32Array) =>
            tensor(backend, to - from, x.slice(from * x.length / tokens, to * x.length / tokens));
          out = tensor(backend, to - from, heads * headDim);
          const qkv = { q: part(q!), k: part(k!), v: part(v!) };
          backend.attention(out, qkv, { cache, layer: 0, position: from, ...options });
        }
        return out;
      };
    }
  }
});

test("gram() adds xᵀ x to a sum", function* () {
  for (const cols of [1, 2, 3, 5, 8, 11, 12, 33, 64, 67, 130]) {
    for (const tokens of [1, 7, 256, 600]) {
      const [before, more, x] = [normal(cols * cols), normal(3 * cols), normal(tokens * cols)];
      // Halves that differ are not of a sum of squares.
      for (let i = 0; i < cols; i++) for (let j = 0; j < i; j++) before[i * cols + j] = before[j * cols + i]!;
      yield (backend) => {
        const sum = tensor(backend, cols, before);
        backend.gram(sum, tensor(backend, tokens, x));
        backend.gram(sum, tensor(backend, 3, more));
        return sum;
      };
    }
  }
});

test("write() overwrites a tensor, or its first rows only", function* () {
  const [all, few] = [normal(5 * 7), normal(2 * 7)];
  yield (backend) => {
    const x = tensor(backend, 5, 7);
    backend.write(x, all);
    backend.write(backend.first(x, 2), few);
    return x;
  };
});

for (const [kind, open] of Object.entries({ plain: () => Promise.resolve(plain), ...backends })) {
  const reason = kind === "WebGPU" ? gpuReason : "";
  Deno.test({
    name: `gram() makes both halves of the same bits, and refuses sizes that disagree: ${kind}${reason}`,
    ignore: reason !== "",
    async fn() {
      using backend = await open();
      for (const cols of [9, 70]) {
        const sum = tensor(backend, cols, new Float32Array(cols * cols));
        backend.gram(sum, tensor(backend, 31, normal(31 * cols)));
        const values = await backend.read(sum);
        for (let i = 0; i < cols; i++) {
          assert(values[i * cols + i]! > 0);
          for (let j = 0; j < i; j++) assertEquals(values[i * cols + j], values[j * cols + i]);
        }
      }
      const x = backend.tensor(4, 6);
      assertThrows(() => backend.gram(backend.tensor(6, 5), x), TensorError, "expected [6, 6]");
      assertThrows(() => backend.write(x, new Float32Array(23)), TensorError, "Cannot write 23 values");
    },
  });
}

Deno.test("gram() writes nothing beside its sum", async () => {
  for (const cols of [3, 9, 12, 31]) {
    using backend = new WasmBackend(new Pool({ threads: 2 }), { worthwhile: 1 });
    // Neighbours in memory.
    const [before, sum, after] = [1, cols, 1].map((rows) =>
      tensor(backend, rows, new Float32Array(rows * cols).fill(7))
    );
    backend.gram(sum!, tensor(backend, 50, normal(50 * cols)));
    for (const other of [before!, after!]) {
      assertEquals(await backend.read(other), new Float32Array(cols).fill(7));
    }
  }
});

Deno.test("gram() has the same bits with any number of threads", async () => {
  const x = normal(700 * 203);
  const results = [];
  for (const threads of [1, 2, 3]) {
    using backend = new WasmBackend(new Pool({ threads }), { worthwhile: 1 });
    // The second time all threads are up.
    for (let i = 0; i < 2; i++) {
      const sum = tensor(backend, 203, new Float32Array(203 * 203));
      backend.gram(sum, tensor(backend, 700, x));
      results.push(await backend.read(sum));
    }
  }
  for (const result of results) assertEquals(result, results[0]);
});

Deno.test("activations have their known values", () => {
  // scipy: x · norm.cdf(x) at −3, −0.5 and 1.
  const gelu = [-3, -0.5, 1].map(activationOf("gelu"));
  assertLess(relativeError(gelu, [-0.00404969409489031, -0.15426876936299344, 0.8413447460685429]), 1e-12);
  assertLess(
    relativeError([-3, 2].map(activationOf("gelu_new")), [-0.003637392081773, 1.954597694087775]),
    1e-9,
  );
  assertEquals([-2, 0, 3].map(activationOf("relu")), [0, 0, 3]);
  assertEquals([1, -1].map(activationOf("silu")), [1 / (1 + Math.exp(-1)), -1 / (1 + Math.E)]);
});
