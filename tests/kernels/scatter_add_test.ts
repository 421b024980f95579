import { assertLess } from "@std/assert";
import { scatterAdd } from "../../kernels/wgsl/scatter_add.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";

const random = new Random(67);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

Deno.test({
  name: "scatter_add.ts adds weighted rows where they belong" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const cols of [1, 33, 64]) {
      const rows = Uint32Array.of(4, 0, 7);
      const [out, x, weights] = [normal(9 * cols), normal(3 * cols), normal(3)];
      const expected = out.slice();
      for (const [i, row] of rows.entries()) {
        for (let c = 0; c < cols; c++) expected[row * cols + c]! += weights[i]! * x[i * cols + c]!;
      }
      const [result] = await gpu.runAll([scatterAdd({ cols })], {
        outputs: [out],
        inputs: [x, rows, weights],
        step: { tokens: 3 },
      });
      assertLess(relativeError(result!, expected), 1e-6, `${cols}`);
    }
  },
});
