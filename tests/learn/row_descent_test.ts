import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { formatOf } from "../../lib/formats/formats.ts";
import { RowDescent } from "../../lib/learn/row_descent.ts";
import { scaleGroups } from "../../lib/learn/scaling.ts";
import { gramStats } from "../stats.ts";
import { cols, inputs, random, rows, weights } from "./linear_inputs.ts";

Deno.test("no half-step of lnq makes the error larger, and what it keeps count of is the error", () => {
  const matrix = weights(rows, cols);
  const stats = gramStats(inputs(200), cols);
  const hessian = Float32Array.from(stats.gram!);
  for (let c = 0; c < cols; c++) hessian[c * (cols + 1)]! += 1e-3;
  for (const bits of [2, 3, 4]) {
    const scales = scaleGroups(matrix, { scaling: formatOf(`any${bits}`).scaling, groupSize: 16 });
    const descent = new RowDescent({ matrix, groupSize: 16, ...scales }, {
      hessian,
      bits,
      type: "f16",
      scaleType: "f16",
    });
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
        for (const step of [() => descent.refit(), () => descent.rescale(), () => descent.sweep()]) {
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
    hessian: Float32Array.from(stats.gram!),
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
