import { assert, assertEquals, assertLess, assertLessOrEqual, assertThrows } from "@std/assert";
import { Pool } from "../../../lib/compute/wasm/pool.ts";
import { WasmSteps } from "../../../lib/compute/wasm/quantize_steps.ts";
import { OptionError, TensorError } from "../../../lib/errors.ts";
import { formatOf } from "../../../lib/formats/formats.ts";
import { factorize, solveFactored } from "../../../lib/learn/cholesky.ts";
import { factorHessian } from "../../../lib/learn/hessian.ts";
import type { InputStats } from "../../../lib/learn/input_stats.ts";
import type { Method } from "../../../lib/learn/methods/method.ts";
import { methodOf, methods, needsOf } from "../../../lib/learn/methods/mod.ts";
import { quantize, type QuantizeOptions } from "../../../lib/learn/quantize.ts";
import { RowDescent } from "../../../lib/learn/row_descent.ts";
import { scaleGroups } from "../../../lib/learn/scaling.ts";
import { weightingOf } from "../../../lib/learn/weighting.ts";
import type { Matrix } from "../../../lib/matrix/matrix.ts";
import { dequantize } from "../../../lib/matrix/packed_matrix.ts";
import { Random } from "../../../lib/random.ts";
import { gramStats, statsOf } from "../../stats.ts";

const random = new Random(71);
const [rows, cols] = [8, 48];

function weights(rows: number, cols: number): Matrix {
  return {
    rows,
    cols,
    data: Float32Array.from({ length: rows * cols }, () => random.normal() ** 3 + random.normal()),
  };
}

/** Inputs whose neighbouring columns go together, some of them large. */
function inputs(tokens: number): Float64Array {
  const x = new Float64Array(tokens * cols);
  for (let i = 0; i < x.length; i++) x[i] = random.normal() + (i % cols > 0 ? 0.8 * x[i - 1]! : 0);
  return x.map((value, i) => value * (i % cols % 11 === 3 ? 5 : 1));
}

/** Σ over rows of dᵀ H d. */
function outputError(matrix: Matrix, after: Float32Array, { gram }: InputStats): number {
  const { rows, cols, data } = matrix;
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    const d = (c: number) => after[r * cols + c]! - data[r * cols + c]!;
    for (let i = 0; i < cols; i++) for (let j = 0; j < cols; j++) sum += d(i) * gram![i * cols + j]! * d(j);
  }
  return sum;
}

const gramMethods = ["gptq", "leanquant", "lnq"];

Deno.test("methods are found by name, by name and options, or as they are, and others are refused", () => {
  for (const name of methods.keys()) assertEquals(methodOf(name).name, name);
  assertEquals(methodOf().name, "kmeans");
  assertEquals(methodOf({ name: "lnq", shrinkage: 0.1 }).options, { shrinkage: 0.1 });
  const own: Method = { ...methodOf("kmeans"), name: "mine" };
  assertEquals(methodOf(own), own);
  assertThrows(() => methodOf("awq"), OptionError, "kmeans, lloyd, gptq, leanquant, lnq");
  const misspelled = { name: "gptq", dampening: 1 } as unknown as { name: "gptq" };
  assertThrows(() => methodOf(misspelled), OptionError, '"dampening": expected actOrder, damping, shrinkage');
  assertThrows(() => methodOf({ name: "gptq", damping: -1 }), OptionError, "damping");
  assertThrows(() => methodOf({ name: "gptq", shrinkage: -0.1 }), OptionError, "shrinkage");
  assertThrows(() => methodOf({ name: "leanquant", power: NaN }), OptionError, "power");
  assertThrows(() => methodOf({ name: "lnq", shrinkage: 2 }), OptionError, "shrinkage");
  assertThrows(() => methodOf({ name: "lnq", sweeps: 0 }), OptionError, "sweeps");
  assertThrows(() => methodOf({ name: "lloyd", init: "best" as "int" }), OptionError, "best");
  assertThrows(() => weightingOf("median"), OptionError, "none, mean, mean-abs, mean-square");
});

Deno.test("what must be known of an input depends on method, format and weighting", () => {
  const [any4, int4] = [formatOf("any4"), formatOf("int4")];
  assertEquals(needsOf(any4, {}), "columns");
  assertEquals(needsOf(any4, { weighting: "none" }), "nothing");
  assertEquals(needsOf(int4, {}), "nothing");
  assertEquals(needsOf(any4, { method: "lloyd" }), "columns");
  for (const method of gramMethods) assertEquals(needsOf(int4, { method, weighting: "none" }), "gram");
});

Deno.test("a method of one's own sees the problem, and its tables and codes are packed", () => {
  const matrix = weights(2, 40);
  const all: number[] = [];
  const method: Method = {
    name: "first code",
    needs: "nothing",
    solve(problem) {
      all.push(problem.bits, problem.scaled.groupSize, problem.scalePower);
      assertEquals(problem.columnWeights?.length, 40);
      return { codebook: new Float32Array(4).fill(0.5), codes: new Uint32Array(2 * 2 * 2) };
    },
  };
  const stats = statsOf(new Float64Array(40).fill(2));
  const packed = quantize(matrix, { format: "any2", codebook: "matrix", groupSize: 20, method, stats });
  assertEquals(all, [2, 20, 2]);
  dequantize(packed).forEach((value, i) => {
    const group = Math.floor(i / 20);
    assertEquals(value, Math.fround(packed.scales[group]! * 0.5 + packed.zeros![group]!));
  });
});

Deno.test("methods of E[x xᵀ] refuse to go without it, or with one that is not of these columns or not finite", () => {
  const matrix = weights(2, 8);
  const good = gramStats(Float64Array.from({ length: 80 }, () => random.normal()), 8);
  for (const method of gramMethods) {
    const run = (stats?: InputStats) => () =>
      quantize(matrix, { format: "any4", method, stats, name: "a.weight" });
    assertThrows(run(), OptionError, `a.weight: method "${method}" needs`);
    assertThrows(run({ ...good, gram: undefined }), OptionError, "there are none");
    assertThrows(run({ ...good, gram: new Float32Array(63) }), OptionError, "there are 63");
    const gram = good.gram!.slice();
    gram[9] = NaN;
    assertThrows(run({ ...good, gram }), TensorError, "row 1, column 1 is NaN");
    run(good)();
  }
});

Deno.test("with a diagonal E[x xᵀ], gptq and descent on codes are rounding to the nearest", () => {
  const matrix = weights(rows, cols);
  const meanSquare = Float64Array.from({ length: cols }, () => random.next() + 0.01);
  const gram = new Float32Array(cols * cols);
  meanSquare.forEach((value, c) => gram[c * (cols + 1)] = value);
  const stats = { ...statsOf(meanSquare), gram };
  for (const format of ["int4", "int2", "nf4", "any3", "mx4"]) {
    const plain = quantize(matrix, { format, groupSize: 16, stats });
    for (const method of ["gptq", ...(format === "any3" ? [] : ["leanquant", "lnq"])]) {
      assertEquals(quantize(matrix, { format, groupSize: 16, stats, method }), plain, `${format} ${method}`);
    }
  }
});

Deno.test("an E[x xᵀ] whose pairs are not believed is a diagonal one", () => {
  const matrix = weights(rows, cols);
  const stats = gramStats(inputs(200), cols);
  const plain = quantize(matrix, { format: "int3", groupSize: 16, stats });
  for (const name of gramMethods) {
    const method = { name: name as "gptq", shrinkage: 1 };
    assertEquals(quantize(matrix, { format: "int3", groupSize: 16, stats, method }), plain, name);
  }
});

Deno.test("methods of E[x xᵀ] have less error of the output than rounding has, on the inputs that they know", () => {
  const matrix = weights(rows, cols);
  const stats = gramStats(inputs(400), cols);
  for (const format of ["int4", "int3", "any4", "any3", "any2"]) {
    const error = (options: Partial<QuantizeOptions>) =>
      outputError(matrix, dequantize(quantize(matrix, { format, groupSize: 16, stats, ...options })), stats);
    const rounded = error({});
    for (const method of gramMethods) assertLess(error({ method }), rounded, `${format} ${method}`);
    for (const method of ["gptq", "lnq"]) assertLess(error({ method }), 0.9 * rounded, `${format} ${method}`);
    const believing = error({ method: { name: "lnq", shrinkage: 0 } });
    assertLessOrEqual(believing, error({ method: "lnq" }), format);
  }
});

Deno.test("no half-step of lnq makes the error larger, and what it keeps count of is the error", () => {
  const matrix = weights(rows, cols);
  const stats = gramStats(inputs(200), cols);
  const hessian = Float64Array.from(stats.gram!);
  for (let c = 0; c < cols; c++) hessian[c * (cols + 1)]! += 1e-3;
  for (const bits of [2, 3, 4]) {
    const scales = scaleGroups(matrix, { scaling: formatOf(`any${bits}`).scaling, groupSize: 16 });
    const descent = new RowDescent({ matrix, groupSize: 16, ...scales }, { hessian, bits, type: "f16" });
    const anew = (r: number) => {
      const d = Array.from(descent.codes, (code, c) => {
        const group = r * cols / 16 + Math.floor(c / 16);
        return scales.scales[group]! * descent.table[code]! + scales.zeros![group]! -
          matrix.data[r * cols + c]!;
      });
      return d.reduce((sum, a, i) => d.reduce((all, b, j) => all + a * b * hessian[i * cols + j]!, sum), 0);
    };
    for (let r = 0; r < rows; r++) {
      descent.codes.forEach((_, c) => descent.codes[c] = random.integer(2 ** bits));
      descent.begin(r, Float32Array.from({ length: 2 ** bits }, (_, i) => i));
      let last = descent.error;
      assert(Math.abs(last - anew(r)) <= 1e-9 * last);
      for (let round = 0; round < 4; round++) {
        for (const step of [() => descent.refit(), () => descent.sweep()]) {
          step();
          assertLessOrEqual(descent.error, last);
          assert(
            Math.abs(descent.error - anew(r)) <= 1e-9 * (last + 1),
            `${bits} ${r}: ${descent.error} ${anew(r)}`,
          );
          last = descent.error;
        }
      }
      // What no code's change can better stays.
      while (descent.sweep() > 0);
      assertEquals(descent.sweep(), 0);
    }
  }
});

Deno.test("with as many entries as columns, least squares gives the row back", () => {
  const matrix = weights(1, 16);
  const stats = gramStats(Float64Array.from({ length: 16 * 100 }, () => random.normal()), 16);
  const scales = scaleGroups(matrix, { scaling: formatOf("any4").scaling, groupSize: 8, type: "f32" });
  const descent = new RowDescent({ matrix, groupSize: 8, ...scales }, {
    hessian: Float64Array.from(stats.gram!),
    bits: 4,
    type: "f32",
  });
  descent.codes.forEach((_, c) => descent.codes[c] = 15 - c);
  descent.begin(0, new Float32Array(16).fill(7));
  const before = descent.error;
  // The ridge leaves a little of the way; from there it is the same problem, much smaller.
  for (let i = 0; i < 3; i++) descent.refit();
  assertLess(descent.error, 1e-10 * before);
  matrix.data.forEach((weight, c) => {
    const group = Math.floor(c / 8);
    const value = scales.scales[group]! * descent.table[15 - c]! + scales.zeros![group]!;
    assertLess(Math.abs(value - weight), 1e-4);
  });
});

Deno.test("E[x xᵀ] of fewer tokens than columns, of equal columns or of none is damped until it can be factored", () => {
  const matrix = weights(3, cols);
  const equal = new Float64Array(5 * cols).map((_, i) => Math.floor(i / cols) + 1);
  const dead = inputs(100).map((value, i) => i % cols % 3 === 0 ? 0 : value);
  for (const x of [inputs(3), equal, dead, new Float64Array(cols)]) {
    const stats = gramStats(x, cols);
    const { lower, order, damping } = factorHessian(stats.gram!, { damping: 0 });
    assert(lower.every(Number.isFinite) && damping <= 0.04);
    assertEquals([...order].sort((a, b) => a - b), Array.from({ length: cols }, (_, c) => c));
    for (const format of ["int3", "any3"]) {
      for (const name of gramMethods) {
        const method = name === "lnq" ? name : { name: name as "gptq", damping: 0 };
        const after = dequantize(quantize(matrix, { format, groupSize: 16, stats, method }));
        assert(after.every(Number.isFinite), `${format} ${name}`);
      }
    }
  }
});

Deno.test("factorize() and solveFactored() solve, and say when a matrix is not positive definite", () => {
  const n = 30;
  const { gram } = gramStats(Float64Array.from({ length: 40 * n }, () => random.normal()), n);
  const a = Float64Array.from(gram!);
  const x = Float64Array.from({ length: n }, () => random.normal());
  const b = x.map((_, i) => x.reduce((sum, value, j) => sum + a[i * n + j]! * value, 0));
  const l = a.slice();
  assert(factorize(l, n));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += l[k * n + i]! * l[k * n + j]!;
      assertLess(Math.abs(sum - a[i * n + j]!), 1e-12);
    }
  }
  solveFactored(l, n, b);
  b.forEach((value, i) => assertLess(Math.abs(value - x[i]!), 1e-9));
  assert(!factorize(Float64Array.of(1, 0, 2, 1), 2));
  assert(!factorize(Float64Array.of(NaN), 1));
});

Deno.test("methods give the same bits with any steps", () => {
  using pool = new Pool({ threads: 2 });
  const matrix = weights(5, cols);
  const stats = gramStats(inputs(200), cols);
  for (const format of ["int3", "any3"]) {
    for (const method of methods.keys()) {
      const options = { format, groupSize: 16, stats, method };
      const [plain, fast] = [
        quantize(matrix, options),
        quantize(matrix, { ...options, steps: new WasmSteps(pool) }),
      ];
      assertEquals({ ...fast, codes: [...fast.codes] }, { ...plain, codes: [...plain.codes] });
    }
  }
});

Deno.test("one table for the whole matrix stays one under methods of E[x xᵀ]", () => {
  const matrix = weights(4, cols);
  const stats = gramStats(inputs(200), cols);
  const options = { format: "any3", groupSize: 16, codebook: "matrix", stats } as const;
  const rounded = quantize(matrix, options);
  for (const method of gramMethods) {
    const packed = quantize(matrix, { ...options, method });
    assertEquals(packed.codebook.length, 8);
    if (method !== "leanquant") assertEquals(packed.codebook, rounded.codebook);
    const error = (codes: typeof packed) => outputError(matrix, dequantize(codes), stats);
    assertLess(error(packed), error(rounded));
  }
});
