/**
 * The WASM backend against the plain one: every operation, weight and shape, in both builds of the kernels.
 *
 * @module
 */
import { assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { loadModel, type Model, quantizeModel } from "any4";
import { OptionError, TensorError } from "../../../lib/errors.ts";
import { activationNames, type Backend, type Tensor } from "../../../lib/compute/backend.ts";
import { createBackend } from "../../../lib/compute/create_backend.ts";
import { PlainBackend } from "../../../lib/compute/plain.ts";
import { WasmBackend } from "../../../lib/compute/wasm/backend.ts";
import type { WasmActivationType } from "../../../lib/compute/wasm/rounded_codebooks.ts";
import { Pool } from "../../../lib/compute/wasm/pool.ts";
import { quantize } from "../../../lib/learn/quantize.ts";
import type { Matrix } from "../../../lib/matrix/matrix.ts";
import { dequantize, type PackedMatrix } from "../../../lib/matrix/packed_matrix.ts";
import { logProbabilities } from "../../../lib/model/decoder/log_sum_exp.ts";
import { relativeError } from "../../../lib/measure/layer_error.ts";
import { Random } from "../../../lib/random.ts";

const random = new Random(11);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

const plain = new PlainBackend();
const modules = ["any4_relaxed.wasm", "any4_simd.wasm"].map((file) => {
  return new WebAssembly.Module(Deno.readFileSync(new URL(`../../../kernels/wasm/${file}`, import.meta.url)));
});
/** Cut as finely as can be, over threads. */
const threads = new Pool({ threads: 3 });
globalThis.addEventListener("unload", () => threads[Symbol.dispose]());

/** Backends that round activations in one way: of both builds, and in pieces. */
function backends(activations: WasmActivationType): { alone: WasmBackend[]; pieces: WasmBackend } {
  const alone = modules.map((module) => new WasmBackend(new Pool({ threads: 1, module }), { activations }));
  return { alone, pieces: new WasmBackend(threads, { activations, worthwhile: 1 }) };
}

const { alone: wasms, pieces } = backends("f32");

/** A tensor with values, or with NaN, that any correct operation overwrites. */
function tensor(backend: Backend, rows: number, values: Float32Array | number): Tensor {
  const cols = typeof values === "number" ? values : values.length / rows;
  const data = typeof values === "number" ? new Float32Array(rows * cols).fill(NaN) : values;
  const made = backend.tensor(rows, cols);
  backend.write(made, data);
  return made;
}

/** Runs an operation on all backends and compares their results with the plain one's. */
async function compare(
  run: (backend: Backend) => Tensor,
  options: { name: string; tolerance?: number },
): Promise<void> {
  const expected = await plain.read(run(plain));
  const alone = await wasms[0]!.read(run(wasms[0]!));
  for (const backend of wasms) {
    const got = await backend.read(run(backend));
    assertLess(relativeError(got, expected), options.tolerance ?? 1e-5, options.name);
  }
  assertEquals(await pieces.read(run(pieces)), alone, `${options.name}, in pieces`);
}

const shapes = [[1, 1], [5, 33], [70, 50], [37, 129], [64, 256], [18, 320]] as const;

async function compareLinear(weight: Matrix | PackedMatrix, name: string): Promise<void> {
  const bias = { rows: 1, cols: weight.rows, data: normal(weight.rows) };
  for (const tokens of [1, 3, 17]) {
    const x = normal(tokens * weight.cols);
    await compare((backend) => {
      const out = tensor(backend, tokens, weight.rows);
      backend.linear(out, tensor(backend, tokens, x), {
        weight: backend.weight(weight),
        bias: tokens === 3 ? undefined : backend.weight(bias),
      });
      return out;
    }, { name: `${name}, ${tokens} × ${weight.rows} × ${weight.cols}` });
  }
}

for (const dtype of ["F32", "F16", "BF16"] as const) {
  Deno.test(`linear() of the WASM backend agrees with the plain one for ${dtype} weights`, async () => {
    for (const [rows, cols] of shapes) {
      const data = normal(rows * cols);
      if (dtype === "F16") data.set(new Float16Array(data));
      if (dtype === "BF16") {
        const words = new Uint32Array(data.buffer);
        for (let i = 0; i < words.length; i++) words[i]! &= 0xffff0000;
      }
      await compareLinear({ rows, cols, data, dtype }, dtype);
    }
  });
}

Deno.test("columnSums() is the same on the WASM backend and the plain one", async () => {
  for (const [rows, cols] of [...shapes, [3, 1], [200, 77], [9, 601]]) {
    const x = normal(rows * cols).map((value) => 1000 * value);
    const expected = await plain.columnSums(tensor(plain, rows, x));
    const absolute = expected.subarray(cols, 2 * cols);
    assertEquals(absolute[0], x.reduce((sum, value, i) => i % cols === 0 ? sum + Math.abs(value) : sum, 0));
    for (const backend of [...wasms, pieces]) {
      for (let again = 0; again < 2; again++) {
        assertEquals(await backend.columnSums(tensor(backend, rows, x)), expected, `${rows} × ${cols}`);
      }
    }
  }
});

Deno.test("logProbabilities() of the WASM backend agrees with the plain logits'", async () => {
  for (const [rows, vocab] of [[1, 1], [3, 5], [7, 64], [5, 259], [4, 1030]] as const) {
    const logits = normal(rows * vocab).map((value) => 20 * value);
    // Of equals the first is the likeliest.
    for (let r = 0; r < rows; r++) logits[r * vocab + vocab - 1] = logits[r * vocab + (vocab >> 1)] = 90 - r;
    if (vocab > 8) logits[2] = -Infinity;
    const places = Array.from({ length: rows }, (_, row) => row).flatMap((row) =>
      [0, vocab >> 1, vocab - 1].map((id) => ({ row, id }))
    );
    const expected = logProbabilities(logits, { vocab, places });
    for (const backend of [...wasms, pieces]) {
      const found = await backend.logProbabilities(tensor(backend, rows, logits), places);
      for (const [i, { logProbability, likeliest }] of found.entries()) {
        const wanted = expected[i]!;
        assertLess(Math.abs(logProbability - wanted.logProbability), 1e-6 * (1 - wanted.logProbability));
        assertEquals(likeliest, wanted.likeliest, `${i} of ${rows} × ${vocab}`);
      }
    }
  }
});

Deno.test("logits that are NaN or too large have no probabilities, on the WASM backend as on the plain one", async () => {
  for (const bad of [NaN, Infinity]) {
    for (const at of [0, 3, 8]) {
      const logits = normal(18);
      logits[at] = bad;
      const places = [{ row: 0, id: 1 }, { row: 1, id: 1 }];
      const expected = logProbabilities(logits, { vocab: 9, places });
      const found = await wasms[0]!.logProbabilities(tensor(wasms[0]!, 2, logits), places);
      for (const some of [expected, found]) {
        assertEquals(some.map(({ logProbability }) => Number.isNaN(logProbability)), [true, false]);
      }
    }
  }
});

/** Every number of bits, with and without zeros, learned and fixed tables, each type of scales. */
const formats = ["any4", "any3", "any2", "int8", "int4", "int3", "int2", "nf4", "mx4"];

for (const format of formats) {
  Deno.test(`linear() of the WASM backend agrees with the plain one for ${format}`, async () => {
    for (const [i, [rows, cols]] of shapes.entries()) {
      const data = normal(rows * cols);
      const options = ([{}, { codebook: "matrix" }, { scaleType: "f32" }] as const)[i % 3];
      for (const groupSize of [32, 64, "row", 7] as const) {
        const packed = quantize({ rows, cols, data }, { format, groupSize, ...options });
        await compareLinear(packed, `${format}, groups of ${groupSize}`);
      }
    }
  });
}

Deno.test("linears() has the bits of linear() of one weight after the other, of one kind or several", async () => {
  for (const formats of [["any4", "any4", "any4"], ["any4", "int3"], ["nf4", "f32", "nf4"], ["f32", "f32"]]) {
    const weights = formats.map((format, i) => {
      const matrix = { rows: 30 + 7 * i, cols: 160, data: normal((30 + 7 * i) * 160) };
      return format === "f32" ? matrix : quantize(matrix, { format, groupSize: 32 });
    });
    const bias = { rows: 1, cols: 30, data: normal(30) };
    for (const activations of ["f32", "int16", "int8"] as const) {
      const { alone, pieces } = backends(activations);
      for (const tokens of [1, 7, 18]) {
        const values = normal(tokens * 160);
        for (const backend of [alone[0]!, pieces]) {
          const x = tensor(backend, tokens, values);
          const [together, apart] = [1, 2].map(() =>
            weights.map((matrix, i) => {
              const out = backend.tensor(tokens, matrix.rows);
              backend.write(out, new Float32Array(tokens * matrix.rows).fill(NaN));
              return {
                out,
                weight: backend.weight(matrix),
                bias: i === 0 ? backend.weight(bias) : undefined,
              };
            })
          );
          backend.linears(x, together!);
          for (const product of apart!) backend.linear(product.out, x, product);
          for (const [i, { out }] of together!.entries()) {
            assertEquals(await backend.read(out), await backend.read(apart![i]!.out), `${formats} ${tokens}`);
          }
        }
      }
    }
  }
});

Deno.test("weights may lie in several memories", async () => {
  // A memory holds three of the weights; each linear reads one and writes what the next reads.
  using backend = new WasmBackend(new Pool({ threads: 1, arenaBytes: 1 << 20 }));
  const matrices = Array.from({ length: 10 }, () => ({ rows: 256, cols: 256, data: normal(1 << 16) }));
  const [x, bias] = [normal(512), { rows: 1, cols: 256, data: normal(256) }];
  const run = (backend: Backend) => {
    const weights = matrices.map((matrix) => backend.weight(matrix));
    const [norm, added] = [backend.weight(bias), backend.weight(bias)];
    const [a, b] = [tensor(backend, 2, x), tensor(backend, 2, 256)];
    for (const weight of weights) {
      backend.linear(b, a, { weight, bias: added });
      backend.rmsNorm(a, b, { weight: norm, epsilon: 1e-5 });
    }
    backend.embed(b, weights.at(-1)!, [200, 3]);
    backend.add(a, b);
    return a;
  };
  assertLess(relativeError(await backend.read(run(backend)), await plain.read(run(plain))), 1e-5);
});

Deno.test("weights whose values their type cannot hold are kept as float32", async () => {
  for (const dtype of ["F16", "BF16"] as const) {
    const data = Float32Array.of(1 + 2 ** -20, 1e-30, -70000, 3);
    await compareLinear({ rows: 2, cols: 2, data, dtype }, dtype);
  }
});

Deno.test("embed() and rmsNorm() of the WASM backend agree with the plain one", async () => {
  for (const [rows, cols] of shapes) {
    const [x, weight] = [normal(rows * cols), normal(cols)];
    for (const dtype of ["F32", "F16", "BF16"] as const) {
      const table = { rows, cols, data: x.map((value) => Math.round(8 * value) / 8), dtype };
      await compare((backend) => {
        const out = tensor(backend, 3, cols);
        backend.embed(out, backend.weight(table), [rows - 1, 0, rows >> 1]);
        return out;
      }, { name: `embed ${dtype}`, tolerance: 1e-30 });
    }
    await compare((backend) => {
      const out = tensor(backend, rows, cols);
      const norm = backend.weight({ rows: 1, cols, data: weight });
      backend.rmsNorm(out, tensor(backend, rows, x), { weight: norm, epsilon: 1e-5 });
      return out;
    }, { name: "rmsNorm" });
  }
});

Deno.test("rope() of the WASM backend agrees with the plain one", async () => {
  for (const half of [1, 3, 4, 16, 18]) {
    const [x, frequencies] = [normal(5 * 3 * 2 * half), normal(half)];
    for (const position of [0, 1, 1000]) {
      await compare((backend) => {
        const turned = tensor(backend, 5, x);
        backend.rope(turned, { position, frequencies });
        return turned;
      }, { name: `rope ${half}` });
    }
  }
});

Deno.test("attention() of the WASM backend agrees with the plain one, in one go and token by token", async () => {
  for (const [heads, kvHeads, headDim] of [[4, 2, 8], [3, 3, 5], [8, 1, 32], [6, 2, 64]] as const) {
    const tokens = 11;
    const [q, k, v] = [
      normal(tokens * heads * headDim).map((value) => 3 * value),
      normal(tokens * kvHeads * headDim),
      normal(tokens * kvHeads * headDim),
    ];
    for (const step of [tokens, 1, 4]) {
      await compare((backend) => {
        const cache = backend.cache({ layers: 2, kvHeads, headDim, capacity: tokens });
        let out = tensor(backend, 1, heads * headDim);
        for (let from = 0; from < tokens; from += step) {
          const to = Math.min(from + step, tokens);
          const part = (x: Float32Array) =>
            tensor(backend, to - from, x.slice(from * x.length / tokens, to * x.length / tokens));
          out = tensor(backend, to - from, heads * headDim);
          const qkv = { q: part(q), k: part(k), v: part(v) };
          backend.attention(out, qkv, { cache, layer: 1, position: from });
        }
        return out;
      }, { name: `attention ${heads} ${kvHeads} ${headDim}, ${step} at a time` });
    }
  }
});

Deno.test("attention() over several segments of keys has the same bits however tokens are cut", async () => {
  const tokens = 530;
  for (const [heads, kvHeads, headDim] of [[6, 2, 12], [2, 2, 36], [5, 1, 3]] as const) {
    const [q, k, v] = [heads, kvHeads, kvHeads].map((n) => normal(tokens * n * headDim));
    for (const place of [{}, { window: 270 }, { window: 3, softcap: 2 }]) {
      const attended = async (backend: Backend, cuts: readonly number[]) => {
        const cache = backend.cache({ layers: 1, kvHeads, headDim, capacity: tokens });
        const all: number[] = [];
        for (const [i, from] of cuts.entries()) {
          const to = cuts[i + 1] ?? tokens;
          const part = (x: Float32Array) =>
            tensor(backend, to - from, x.slice(from * x.length / tokens, to * x.length / tokens));
          const out = tensor(backend, to - from, heads * headDim);
          const qkv = { q: part(q!), k: part(k!), v: part(v!) };
          backend.attention(out, qkv, { cache, layer: 0, position: from, ...place });
          all.push(...await backend.read(out));
        }
        return all;
      };
      const name = `${heads} ${kvHeads} ${headDim} ${JSON.stringify(place)}`;
      const expected = await attended(plain, [0]);
      const whole = await attended(wasms[0]!, [0]);
      for (const got of [whole, await attended(wasms[1]!, [0])]) {
        assertLess(relativeError(Float32Array.from(got), Float32Array.from(expected)), 1e-5, name);
      }
      for (const cuts of [[0, 1, 8, 11, 250, 257, 258, 511, 529], [0, 512]]) {
        assertEquals(await attended(wasms[0]!, cuts), whole, name);
        assertEquals(await attended(pieces, cuts), whole, name);
      }
    }
  }
});

Deno.test("activate() and add() of the WASM backend agree with the plain one, for large values too", async () => {
  for (const n of [1, 6, 37]) {
    const [gate, up] = [normal(3 * n).map((value) => 40 * value), normal(3 * n)];
    for (const activation of activationNames) {
      for (const gated of [true, false]) {
        await compare((backend) => {
          const out = tensor(backend, 3, n);
          const by = gated ? tensor(backend, 3, up) : undefined;
          backend.activate(out, tensor(backend, 3, gate), { activation, up: by });
          return out;
        }, { name: activation });
      }
    }
    await compare((backend) => {
      const sum = tensor(backend, 3, gate);
      backend.add(sum, tensor(backend, 3, up));
      return sum;
    }, { name: "add", tolerance: 1e-30 });
  }
});

Deno.test("createBackend() throws on activations that it does not know", async () => {
  const options = { activations: "int4" as WasmActivationType };
  await assertRejects(() => createBackend("wasm", options), OptionError, "int16");
});

Deno.test("the WASM backend throws on what does not fit", () => {
  const backend = wasms[0]!;
  const weight = backend.weight({ rows: 3, cols: 4, data: normal(12) });
  const error = () => backend.linear(backend.tensor(1, 3), backend.tensor(1, 5), { weight });
  assertThrows(error, TensorError, "[1, 5]");
  for (const id of [3, -1, Infinity]) {
    assertThrows(() => backend.embed(backend.tensor(1, 4), weight, [id]), TensorError, "vocabulary");
  }
  const packed = backend.weight(quantize({ rows: 1, cols: 4, data: normal(4) }, { format: "nf4" }));
  const x = backend.tensor(1, 4);
  assertThrows(() => backend.rmsNorm(x, x, { weight: packed, epsilon: 1e-6 }), TensorError, "packed");
  const cache = backend.cache({ layers: 1, kvHeads: 1, headDim: 4, capacity: 2 });
  const three = backend.tensor(3, 4);
  const place = { cache, layer: 0, position: 0 };
  assertThrows(
    () => backend.attention(three, { q: three, k: three, v: three }, place),
    TensorError,
    "KV cache",
  );
});

/** The size of x · ŵᵀ if signs were random: unlike the product itself, it is never small by chance. */
function typicalSize(x: Float32Array, weight: PackedMatrix): number {
  const values = dequantize(weight);
  const { rows, cols } = weight;
  let sum = 0;
  for (let at = 0; at < x.length; at += cols) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) sum += (x[at + c]! * values[r * cols + c]!) ** 2;
    }
  }
  return Math.sqrt(sum);
}

/** How far a product may be off, of single rows too. */
const rounding = { int16: 3e-4, int8: 0.08 } as const;

for (const activations of ["int16", "int8"] as const) {
  Deno.test(`${activations} activations change a product by little, the same in both builds and in pieces`, async () => {
    const { alone, pieces } = backends(activations);
    let [difference, norm] = [0, 0];
    for (const [i, format] of ["any4", "any3", "any2", "int4", "int3", "int2", "mx4", "nf4"].entries()) {
      for (const [rows, cols] of [...shapes, [3, 1100], [13, 2120]] as const) {
        for (const groupSize of [32, 64, 160, "row", 7] as const) {
          const options = ([{}, { codebook: "matrix" }, { scaleType: "f32" }] as const)[(i + rows) % 3];
          const data = normal(rows * cols);
          const weight = quantize({ rows, cols, data }, { format, groupSize, ...options });
          const bias = { rows: 1, cols: rows, data: normal(rows) };
          // Nine go through the kernel of many tokens.
          for (const tokens of [1, 3, 5, 9]) {
            const x = normal(tokens * cols).map((value, i) => i % 50 === 7 ? 30 * value : value);
            const run = (backend: Backend) => {
              const out = tensor(backend, tokens, rows);
              const weights = tokens === 3 ? { weight } : { weight, bias };
              backend.linear(out, tensor(backend, tokens, x), {
                weight: backend.weight(weights.weight),
                bias: weights.bias && backend.weight(weights.bias),
              });
              return backend.read(out);
            };
            const name = `${format}, groups of ${groupSize}, ${tokens} × ${rows} × ${cols}`;
            const [expected, relaxed, simd] = [await run(plain), await run(alone[0]!), await run(alone[1]!)];
            assertLess(relativeError(relaxed, simd), 1e-5, name);
            assertEquals(await run(pieces), relaxed, name);
            const off = Math.hypot(...expected.map((value, i) => relaxed[i]! - value));
            assertLess(off, rounding[activations] * typicalSize(x, weight), name);
            for (const [i, value] of expected.entries()) {
              difference += (relaxed[i]! - value) ** 2;
              norm += value ** 2;
            }
          }
        }
      }
    }
    assertLess(Math.sqrt(difference / norm), activations === "int16" ? 1e-4 : 0.03);
  });
}

Deno.test("int16 activations are rounded so that no sum overflows, whatever they are", async () => {
  const cols = 64;
  // The table's largest level meets activations that are all as large as they can be, with one sign.
  const weight = quantize(
    { rows: 2, cols, data: Float32Array.from({ length: 2 * cols }, (_, i) => i < cols ? 1 : -1) },
    { format: "nf4", groupSize: 32 },
  );
  for (const activations of ["int16", "int8"] as const) {
    const { alone } = backends(activations);
    for (const values of [[1], [-1], [1, 0, 0, 0], [1, -1], [0]]) {
      const x = Float32Array.from({ length: cols }, (_, i) => 1e20 * values[i % values.length]!);
      const run = (backend: Backend) => {
        const out = tensor(backend, 1, 2);
        backend.linear(out, tensor(backend, 1, x), { weight: backend.weight(weight) });
        return backend.read(out);
      };
      for (const backend of alone) {
        const [got, expected] = [await run(backend), await run(plain)];
        for (const i of [0, 1]) {
          assertLess(Math.abs(got[i]! - expected[i]!), 1e20 * cols * (activations === "int16" ? 1e-4 : 0.01));
        }
      }
    }
  }
});

Deno.test("tinyworld's logits are the same on the WASM backend and the plain one, dense and packed", async () => {
  const ids = Array.from({ length: 40 }, (_, i) => 7 * i % 1000);
  const logits = async (model: Model) => {
    const session = model.session(40);
    const first = await session.forward(ids.slice(0, 37), { logits: "all" });
    return [...first, ...await session.forward(ids.slice(37), { logits: "all" })];
  };
  using reference = await loadModel("tinyworld", { backend: "plain" });
  using model = await loadModel("tinyworld", { backend: "wasm", activations: "f32" });
  assertLess(relativeError(await logits(model), await logits(reference)), 1e-5);
  const packed = await quantizeModel(reference, { format: "int4" });
  using fast = model.with({ tensors: packed.tensors });
  assertLess(relativeError(await logits(fast), await logits(packed)), 1e-5);
  // Token by token, as it decodes, activations are rounded.
  using rounding = await loadModel("tinyworld", { backend: "wasm" });
  using rounded = rounding.with({ tensors: packed.tensors });
  const decoded = async (model: Model) => {
    const session = model.session(8);
    const all: number[] = [];
    for (const id of ids.slice(0, 8)) all.push(...await session.forward([id]));
    return all;
  };
  assertLess(relativeError(await decoded(rounded), await decoded(packed)), 1e-4);
});

Deno.test("what is forgotten and freed is memory for what comes next", () => {
  const pool = new Pool({ threads: 1, arenaBytes: 1 << 20 });
  using backend = new WasmBackend(pool);
  // Together they are several times what there is.
  for (let i = 0; i < 20; i++) {
    const matrix = { rows: 64, cols: 1024, data: new Float32Array(64 * 1024) };
    backend.weight(matrix);
    backend.forget(matrix);
    backend.forget(matrix);
    const tensor = backend.tensor(64, 1024);
    backend.free(tensor);
    const cache = backend.cache({ layers: 2, kvHeads: 1, headDim: 64, capacity: 1024 });
    const [q, k, v, out] = [1, 2, 3, 4].map(() => backend.tensor(1, 64));
    backend.attention(out!, { q: q!, k: k!, v: v! }, { cache, layer: 1, position: 0 });
    backend.free(cache);
    for (const each of [q!, k!, v!, out!]) backend.free(each);
  }
  assertEquals(pool.arena().used < 1 << 18, true);
});
