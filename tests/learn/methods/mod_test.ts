import { assert, assertEquals, assertLess, assertLessOrEqual, assertThrows } from "@std/assert";
import { Pool } from "../../../lib/compute/wasm/pool.ts";
import { WasmSteps } from "../../../lib/compute/wasm/quantize_steps.ts";
import { OptionError, TensorError } from "../../../lib/errors.ts";
import { formatOf } from "../../../lib/formats/formats.ts";
import type { InputStats } from "../../../lib/learn/input_stats.ts";
import type { Method } from "../../../lib/learn/methods/method.ts";
import { methodOf, methods, needsOf } from "../../../lib/learn/methods/mod.ts";
import { quantize, type QuantizeOptions } from "../../../lib/learn/quantize.ts";
import { weightingOf } from "../../../lib/learn/weighting.ts";
import { fromBytes, toBytes } from "../../../lib/matrix/byte_scales.ts";
import { dequantize } from "../../../lib/matrix/packed_matrix.ts";
import { gramStats, statsOf } from "../../stats.ts";
import { cols, gramMethods, inputs, outputError, random, rows, weights } from "../linear_inputs.ts";

Deno.test("methods are found by name, by name and options, or as they are, and others are refused", () => {
  for (const name of methods.keys()) assertEquals(methodOf(name).name, name);
  assertEquals(methodOf().name, "kmeans");
  assertEquals(methodOf({ name: "lnq", shrinkage: 0.1 }).options, { shrinkage: 0.1 });
  const own: Method = { ...methodOf("kmeans"), name: "mine" };
  assertEquals(methodOf(own), own);
  assertThrows(() => methodOf("lnqq"), OptionError, "kmeans, lloyd, gptq, leanquant, lnq");
  assertThrows(() => methodOf("awq+gptq"), OptionError, "AWQ comes before a method");
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
    const lnq = { name: "lnq", scales: false } as const;
    for (const method of ["gptq" as const, ...(format === "any3" ? [] : ["leanquant" as const, lnq])]) {
      assertEquals(quantize(matrix, { format, groupSize: 16, stats, method }), plain, `${format} ${method}`);
    }
  }
});

Deno.test("an E[x xᵀ] whose pairs are not believed is a diagonal one", () => {
  const matrix = weights(rows, cols);
  const stats = gramStats(inputs(200), cols);
  const plain = quantize(matrix, { format: "int3", groupSize: 16, stats });
  for (const name of gramMethods) {
    const method = { name: name as "gptq", shrinkage: 1, ...(name === "lnq" && { scales: false }) };
    assertEquals(quantize(matrix, { format: "int3", groupSize: 16, stats, method }), plain, name);
  }
});

Deno.test("methods of E[x xᵀ] have less error of the output than rounding has, on the inputs that they know", () => {
  const matrix = weights(rows, cols);
  const stats = gramStats(inputs(400), cols);
  let [believing, careful] = [0, 0];
  for (const format of ["int4", "int3", "any4", "any3", "any2"]) {
    const error = (options: Partial<QuantizeOptions>) =>
      outputError(matrix, dequantize(quantize(matrix, { format, groupSize: 16, stats, ...options })), stats);
    const rounded = error({});
    for (const method of gramMethods) assertLess(error({ method }), rounded, `${format} ${method}`);
    for (const method of ["gptq", "lnq"]) assertLess(error({ method }), 0.9 * rounded, `${format} ${method}`);
    believing += error({ method: { name: "lnq", shrinkage: 0 } }) / rounded;
    careful += error({ method: "lnq" }) / rounded;
  }
  // In one format descent may end in a worse valley.
  assertLessOrEqual(believing, careful);
});

Deno.test("lnq changes scales and zeros for less error, to what their type stores, but never powers of two", () => {
  const matrix = weights(rows, cols);
  const stats = gramStats(inputs(400), cols);
  for (const format of ["int4", "int3sym", "nf4", "any2", "any3sym", "mx4"]) {
    for (const scaleType of ["f16", "f32", "int8"] as const) {
      const run = (scales: boolean) =>
        quantize(matrix, { format, groupSize: 8, scaleType, stats, method: { name: "lnq", scales } });
      const [left, changed] = [run(false), run(true)];
      const error = (packed: typeof left) => outputError(matrix, dequantize(packed), stats);
      if (format === "mx4") assertEquals(changed, left);
      else assertLess(error(changed), error(left), `${format} ${scaleType}`);
      assertEquals(changed.scaleType, left.scaleType);
      const { scales, zeros } = changed;
      assert(scales.every((scale) => scale > 0));
      if (changed.scaleType === "f16") assertEquals(scales.map((scale) => Math.f16round(scale)), scales);
      if (changed.scaleType !== "int8") continue;
      const shape = { rows, groups: cols / 8 };
      const stored = (numbers: Float32Array, signed: boolean) =>
        fromBytes(toBytes(numbers, { ...shape, signed }), { ...shape, signed });
      assertEquals(stored(scales, false), scales);
      if (zeros) assertEquals(stored(zeros, true), zeros);
    }
  }
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

Deno.test("tables that rows share stay as many under methods of E[x xᵀ], and lnq makes them better", () => {
  const matrix = weights(24, cols);
  const stats = gramStats(inputs(200), cols);
  for (
    const [codebook, tables] of [["matrix", 1], ["7-rows", 4], ["3-tables", 3], ["30-tables", 24]] as const
  ) {
    const options = { format: "any3", groupSize: 16, codebook, stats } as const;
    const rounded = quantize(matrix, options);
    const error = (packed: typeof rounded) => outputError(matrix, dequantize(packed), stats);
    for (const method of gramMethods) {
      const packed = quantize(matrix, { ...options, method });
      assertEquals(packed.codebook.length, 8 * tables);
      assertEquals(packed.codebookRows, rounded.codebookRows);
      assertLess(error(packed), error(rounded), `${codebook} ${method}`);
      if (method === "gptq") assertEquals(packed.codebook, rounded.codebook);
    }
    const lnq = (rounds: number) =>
      error(quantize(matrix, { ...options, method: { name: "lnq", shrinkage: 0, scales: false, rounds } }));
    const errors = [1, 2, 3, 5].map(lnq);
    errors.forEach((value, i) => assertLessOrEqual(value, (errors[i - 1] ?? Infinity) * (1 + 1e-6)));
  }
});
