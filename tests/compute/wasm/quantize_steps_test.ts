import { assert, assertEquals, assertThrows } from "@std/assert";
import { createBackend } from "../../../lib/compute/create_backend.ts";
import { Pool } from "../../../lib/compute/wasm/pool.ts";
import { WasmSteps } from "../../../lib/compute/wasm/quantize_steps.ts";
import { TensorError } from "../../../lib/errors.ts";
import { formats } from "../../../lib/formats/formats.ts";
import type { InputStats } from "../../../lib/learn/input_stats.ts";
import { plainSteps, TableLearner } from "../../../lib/learn/quantize_steps.ts";
import { quantize, type QuantizeOptions } from "../../../lib/learn/quantize.ts";
import { loadModel, quantizeModel } from "../../../mod.ts";
import type { Matrix } from "../../../lib/matrix/matrix.ts";
import { gramStats, statsOf } from "../../stats.ts";
import { Random } from "../../../lib/random.ts";

type Draw = (random: Random) => number;

const heavy: Draw = (random) => random.normal() ** 3 * 0.01 + random.normal() * 0.02;

function matrixOf(rows: number, cols: number, draw: Draw = heavy): Matrix {
  const random = new Random(rows * 1000 + cols);
  return { rows, cols, data: Float32Array.from({ length: rows * cols }, () => draw(random)) };
}

const bytes = (array: ArrayBufferView) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();

/** Quantizes plainly and with kernels, and compares every bit. */
function assertSame(pool: Pool, matrix: Matrix, options: QuantizeOptions): void {
  const plain = quantize(matrix, options);
  const fast = quantize(matrix, { ...options, steps: new WasmSteps(pool) });
  const where = `${JSON.stringify(options)} ${matrix.rows}×${matrix.cols}`;
  for (const part of ["codebook", "codes", "scales", "zeros"] as const) {
    const [a, b] = [plain[part], fast[part]];
    assertEquals(a && bytes(a), b && bytes(b), `${part}: ${where}`);
  }
  assertEquals({ ...plain, codebook: 0, codes: 0 }, { ...fast, codebook: 0, codes: 0 });
}

Deno.test("kernels quantize to every format as plain steps do, whatever the shape and group size", () => {
  using pool = new Pool({ threads: 2 });
  for (const format of formats.keys()) {
    for (const [rows, cols] of [[1, 1], [3, 7], [5, 130], [9, 256], [40, 333]] as const) {
      for (const groupSize of [1, 32, 100, "row"] as const) {
        assertSame(pool, matrixOf(rows, cols), { format, groupSize });
      }
    }
  }
});

Deno.test("kernels learn as the plain learner does, whatever is weighed and stored", () => {
  using pool = new Pool({ threads: 2 });
  const random = new Random(3);
  const cols = 700;
  const matrix = matrixOf(6, cols);
  const weighings: (ArrayLike<number> | undefined)[] = [
    undefined,
    new Float64Array(cols),
    Float64Array.from({ length: cols }, () => Math.max(0, random.normal())),
    Float32Array.from({ length: cols }, () => 10 ** (12 * random.next() - 6)),
    Array.from({ length: cols }, (_, c) => c === 17 ? 1e300 : 1),
    Array.from({ length: cols }, () => 1e-300),
  ];
  for (const columnWeights of weighings) {
    for (const scalePower of [0, 1, 2, 2.5]) {
      for (const scaleType of [undefined, "f16", "f32"] as const) {
        const weighting = { name: "columns", scalePower, columns: ({ mean }: InputStats) => mean };
        const stats = columnWeights && statsOf(columnWeights);
        assertSame(pool, matrix, { format: "any4", groupSize: 64, weighting, stats, scaleType });
        const codebookType = "int8";
        assertSame(pool, matrix, {
          format: "any4",
          groupSize: 64,
          weighting,
          stats,
          scaleType,
          codebookType,
        });
        assertSame(pool, matrix, {
          format: "any3sym",
          groupSize: 64,
          weighting,
          stats,
          scaleType,
          codebookType,
        });
      }
    }
  }
  for (const codebook of ["row", "matrix"] as const) {
    for (const method of ["kmeans", "lloyd"]) {
      assertSame(pool, matrix, { format: "any3", codebook, method });
    }
  }
});

const SHAPES: Record<string, Draw> = {
  "constant rows": () => 0.25,
  "zeros": () => 0,
  "many ties": (random) => random.integer(9) - 4,
  "few values": (random) => random.integer(3),
  "halfway between two halves": (random) =>
    [0, 15, 8 + 1 / 256, 8 + 3 / 256, 9 + 5 / 256][random.integer(5)]!,
  "two clumps far apart": (random) => 1000 * random.integer(2) + 1e-3 * random.normal(),
  "most of them near zero": (random) => (random.integer(10) ? 1e-3 : 1000) * random.normal(),
  "outliers": (random) => random.next() < 0.01 ? 1e30 * random.normal() : random.normal(),
  "huge values": (random) => 1e37 * random.normal(),
  "tiny values": (random) => 1e-38 * random.normal(),
  "negative zeros among others": (random) => random.integer(3) ? random.normal() : -0,
};

for (const [shape, draw] of Object.entries(SHAPES)) {
  Deno.test(`kernels quantize as plain steps do: ${shape}`, () => {
    using pool = new Pool({ threads: 1 });
    for (const format of ["any4", "any2", "int3", "nf4", "fp4", "mx4", "int8"]) {
      for (const cols of [40, 2000]) {
        const stats = statsOf(matrixOf(1, cols, (random) => random.next()).data);
        assertSame(pool, matrixOf(4, cols, draw), { format, groupSize: 50, stats });
      }
    }
  });
}

Deno.test("kernels leave ordinary rows to nobody", () => {
  using pool = new Pool({ threads: 1 });
  const steps = new WasmSteps(pool);
  const { learn } = TableLearner.prototype;
  TableLearner.prototype.learn = () => assert(false, "a row was left");
  try {
    for (const shape of ["constant rows", "zeros", "many ties", "few values", "most of them near zero"]) {
      const matrix = matrixOf(4, 2000, SHAPES[shape]);
      quantize(matrix, { format: "any4", scaleType: "f32", steps });
    }
    quantize(matrixOf(4, 2000), { format: "any3", groupSize: "row", steps });
  } finally {
    TableLearner.prototype.learn = learn;
  }
});

Deno.test("kernels give the same with any number of threads, and all memory back but the codes'", () => {
  const matrix = matrixOf(300, 512);
  const results = [1, 2, 3].map((threads) => {
    using pool = new Pool({ threads });
    const steps = new WasmSteps(pool);
    // The second time all threads are up.
    const first = quantize(matrix, { format: "any4", steps });
    const { codebook, codes } = quantize(matrix, { format: "any4", steps });
    // Nothing but codes is left; both are held to here.
    assertEquals(pool.arena().used, first.codes.byteLength + codes.byteLength);
    return { codebook, codes: codes.slice() };
  });
  assertEquals(results[1], results[0]);
  assertEquals(results[2], results[0]);
});

Deno.test("kernels work through a matrix of many slabs", () => {
  using pool = new Pool({ threads: 2 });
  assertSame(pool, matrixOf(3, 2 ** 21 + 5), { format: "int4" });
});

Deno.test("the wasm backend quantizes, and throws what quantize() throws", async () => {
  using backend = await createBackend("wasm", { threads: 1 });
  const matrix = matrixOf(3, 10);
  const options = { format: "any4", name: "a.weight" };
  const { steps } = backend;
  assertEquals(quantize(matrix, { ...options, steps }), quantize(matrix, options));
  matrix.data[17] = NaN;
  const error = assertThrows(() => quantize(matrix, { ...options, steps }), TensorError, "a.weight");
  assert(error.message.includes("row 1, column 7"), error.message);
  const weights = new Float64Array(10).fill(1e300);
  const large = matrixOf(1, 10, (random) => 1e37 * random.normal());
  const overflow = { ...options, stats: statsOf(weights) };
  const thrown = assertThrows(() => quantize(large, { ...overflow, steps }), TensorError);
  assertEquals(thrown.message, assertThrows(() => quantize(large, overflow), TensorError).message);
});

Deno.test("a model is quantized on its backend, with the same result on any", async () => {
  const codes = [];
  for (const name of ["plain", "wasm"] as const) {
    using model = await loadModel("tinyworld", { backend: name });
    const calibration = new Map(
      model.linears().map((linear) => {
        const { cols } = model.weights(linear);
        return [linear, statsOf(new Float64Array(cols).map((_, c) => 1 + c % 7))];
      }),
    );
    const small = await quantizeModel(model, { format: "any4", calibration });
    codes.push(small.linears().map((linear) => small.weights(linear)));
  }
  assertEquals(codes[1], codes[0]);
});

Deno.test("matrices are factored with the bits of the plain step on any number of threads, or refused", () => {
  const random = new Random(17);
  for (const n of [1, 2, 63, 64, 65, 130, 601]) {
    const x = Float64Array.from({ length: (n + 5) * n }, () => random.normal());
    const a = Float64Array.from(gramStats(x, n).gram!);
    for (let i = 0; i < n; i++) a[i * (n + 1)]! += 0.1;
    const plain = a.slice();
    assert(plainSteps.factorize(plain, n));
    for (const threads of [1, 3]) {
      using pool = new Pool({ threads });
      const steps = new WasmSteps(pool);
      const fast = a.slice();
      assert(steps.factorize(fast, n));
      for (let i = 0; i < n; i++) {
        assertEquals(
          fast.subarray(i * n, i * n + i + 1),
          plain.subarray(i * n, i * n + i + 1),
          `${n}, row ${i}`,
        );
      }
      for (const bad of [NaN, -1, 0, Infinity]) {
        const broken = a.slice();
        broken[(n >> 1) * (n + 1)] = bad;
        assertEquals(steps.factorize(broken, n), false, `${n} ${bad}`);
      }
      assertEquals(pool.arena().used, 0);
    }
  }
});

Deno.test("methods of E[x xᵀ] have the bits of plain steps on any number of threads, whatever the shape", () => {
  const random = new Random(11);
  for (const [rows, cols] of [[1, 1], [3, 7], [9, 50], [18, 133]] as const) {
    const x = Float64Array.from({ length: 3 * cols * cols }, () => random.normal());
    for (let i = 1; i < x.length; i++) if (i % cols > 0) x[i]! += 0.8 * x[i - 1]!;
    const stats = gramStats(x, cols);
    const matrix = matrixOf(rows, cols);
    for (const threads of [1, 2, 3]) {
      using pool = new Pool({ threads });
      for (const format of ["any4", "any3", "any2", "int4", "int8", "nf4"]) {
        for (const method of ["gptq", "leanquant", "lnq"] as const) {
          assertSame(pool, matrix, { format, method, groupSize: 32, stats });
        }
      }
      assertSame(pool, matrix, { format: "any3", method: "lnq", scaleType: "f32", groupSize: "row", stats });
      for (const codebook of ["matrix", "2-rows", "2-tables"] as const) {
        for (const method of ["gptq", "lnq"] as const) {
          assertSame(pool, matrix, { format: "any3", method, codebook, stats, scaleType: "int8" });
        }
      }
      assertSame(pool, matrix, { format: "any2", method: { name: "lnq", shrinkage: 0, rounds: 5 }, stats });
      for (const format of ["any4", "any3sym", "any2", "int4", "int2sym"]) {
        for (const scaleType of ["f16", "f32", "int8"] as const) {
          assertSame(pool, matrix, {
            format,
            method: "lnq",
            groupSize: 8,
            scaleType,
            codebookType: "int8",
            stats,
          });
        }
        assertSame(pool, matrix, {
          format,
          method: { name: "lnq", scales: false },
          codebookType: "int8",
          stats,
        });
      }
    }
  }
});

Deno.test("squared errors are the plain ones, of rows and of groups, and have the same bits on any number of threads", () => {
  using one = new Pool({ threads: 1 });
  using three = new Pool({ threads: 3 });
  for (const [rows, cols] of [[1, 1], [3, 7], [9, 130], [40, 333], [70, 600]] as const) {
    const hessian = gramStats(matrixOf(50, cols).data, cols).gram!;
    const differences = matrixOf(rows, cols);
    for (const groupSize of [1, 32, 100, 300, cols]) {
      const [plain, alone, shared] = [plainSteps, new WasmSteps(one), new WasmSteps(three)].map((steps) => {
        using errors = steps.squaredErrors(hessian, groupSize);
        errors.of(matrixOf(rows + 5, cols, () => NaN)); // leaves its values in the scratch
        return errors.of(differences);
      }) as [Float64Array, Float64Array, Float64Array];
      assertEquals(bytes(alone), bytes(shared));
      const largest = plain.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      assertEquals(alone.length, rows * Math.ceil(cols / Math.min(groupSize, cols)));
      plain.forEach((value, i) =>
        assert(
          Math.abs(value - alone[i]!) <= 1e-5 * largest,
          `${i} of ${rows}×${cols} in groups of ${groupSize}`,
        )
      );
    }
  }
});
