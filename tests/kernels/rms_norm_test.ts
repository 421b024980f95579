import { assertEquals, assertLess } from "@std/assert";
import { rmsNorm } from "../../kernels/wgsl/rms_norm.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu, plainTensor } from "../gpu.ts";

const random = new Random(23);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const epsilon = 1e-5;

/** What the plain backend makes of x. */
function normed(x: Float32Array, weight: Float32Array): Promise<Float32Array> {
  const plain = new PlainBackend();
  const cols = weight.length;
  const out = plain.tensor(x.length / cols, cols);
  plain.rmsNorm(out, plainTensor(plain, cols, x), {
    weight: plain.weight({ rows: 1, cols, data: weight }),
    epsilon,
  });
  return plain.read(out);
}

Deno.test({
  name: "rms_norm.ts agrees with the plain backend" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const [tokens, cols] of [[1, 1], [3, 64], [5, 33], [2, 300], [2, 2052]] as const) {
      const [x, weight] = [normal(tokens * cols), normal(cols)];
      const out = await gpu.run(rmsNorm({ cols, epsilon }), {
        length: tokens * cols,
        inputs: [x, weight],
        step: { tokens },
      });
      assertLess(relativeError(out, await normed(x, weight)), 1e-5, `${tokens} × ${cols}`);
    }
  },
});

Deno.test({
  name: "rms_norm.ts adds to x what it is told to add, then agrees with the plain backend" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const [tokens, cols] of [[3, 64], [5, 33]] as const) {
      const [x, weight, y] = [normal(tokens * cols), normal(cols), normal(tokens * cols)];
      const [out, sum] = await gpu.runAll([rmsNorm({ cols, epsilon, add: true })], {
        outputs: [tokens * cols, x],
        inputs: [weight, y],
        step: { tokens },
      });
      const expected = x.map((value, i) => value + y[i]!);
      assertEquals(sum, expected);
      assertLess(relativeError(out!, await normed(expected, weight)), 1e-5, `${tokens} × ${cols}`);
    }
  },
});
