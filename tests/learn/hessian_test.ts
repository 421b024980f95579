import { assert, assertEquals } from "@std/assert";
import { plainSteps } from "../../lib/learn/quantize_steps.ts";
import { factorHessian } from "../../lib/learn/hessian.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import { dequantize } from "../../lib/matrix/packed_matrix.ts";
import { gramStats } from "../stats.ts";
import { cols, gramMethods, inputs, weights } from "./linear_inputs.ts";

Deno.test("E[x xᵀ] of fewer tokens than columns, of equal columns or of none is damped until it can be factored", () => {
  const matrix = weights(3, cols);
  const equal = new Float64Array(5 * cols).map((_, i) => Math.floor(i / cols) + 1);
  const dead = inputs(100).map((value, i) => i % cols % 3 === 0 ? 0 : value);
  for (const x of [inputs(3), equal, dead, new Float64Array(cols)]) {
    const stats = gramStats(x, cols);
    const { lower, order, damping } = factorHessian(stats.gram!, { damping: 0, steps: plainSteps });
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
