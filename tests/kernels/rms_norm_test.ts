import { assertLess } from "@std/assert";
import { rmsNorm } from "../../kernels/wgsl/rms_norm.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";

const random = new Random(23);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

Deno.test({
  name: "rms_norm.ts agrees with the plain backend" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const plain = new PlainBackend();
    for (const [rows, cols] of [[1, 1], [3, 64], [5, 33], [2, 300]] as const) {
      const [x, weight] = [normal(rows * cols), normal(cols)];
      const out = await gpu.run(rmsNorm({ cols, epsilon: 1e-5 }), {
        length: rows * cols,
        inputs: [x, weight],
        step: { tokens: rows },
      });
      const expected = plain.tensor(rows, cols);
      const input = plain.tensor(rows, cols);
      plain.embed(input, plain.weight({ rows, cols, data: x }), Array.from({ length: rows }, (_, t) => t));
      plain.rmsNorm(expected, input, {
        weight: plain.weight({ rows: 1, cols, data: weight }),
        epsilon: 1e-5,
      });
      assertLess(relativeError(out, await plain.read(expected)), 1e-5, `${rows} × ${cols}`);
    }
  },
});
