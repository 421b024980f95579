import { assert, assertEquals, assertLess } from "@std/assert";
import { swiglu } from "../../kernels/wgsl/swiglu.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu, plainTensor } from "../gpu.ts";

const random = new Random(31);
const normal = (n: number) => Float32Array.from({ length: n }, () => 3 * random.normal());

Deno.test({
  name: "swiglu.ts agrees with the plain backend" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const plain = new PlainBackend();
    for (const [tokens, cols] of [[1, 1], [3, 64], [5, 33], [2, 1000]] as const) {
      const [gate, up] = [normal(tokens * cols), normal(tokens * cols)];
      const out = await gpu.run(swiglu({ cols }), {
        length: tokens * cols,
        inputs: [gate, up],
        step: { tokens },
      });
      const expected = plain.tensor(tokens, cols);
      plain.swiglu(expected, plainTensor(plain, cols, gate), plainTensor(plain, cols, up));
      assertLess(relativeError(out, await plain.read(expected)), 1e-5, `${tokens} × ${cols}`);
    }
  },
});

Deno.test({
  name: "swiglu.ts has no NaN where e^−gate is too large or too small for a float" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const gate = Float32Array.of(-1e30, -100, -89, -20, 0, 20, 89, 100, 1e30);
    const out = await gpu.run(swiglu({ cols: 9 }), {
      length: 9,
      inputs: [gate, new Float32Array(9).fill(1)],
      step: { tokens: 1 },
    });
    assertEquals(out.slice(4), Float32Array.of(0, 20, 89, 100, 1e30));
    assert(out.subarray(0, 3).every((value) => Math.abs(value) < 1e-35));
    assertLess(relativeError(out.subarray(3, 4), Float32Array.of(-20 / (1 + Math.exp(20)))), 1e-5);
  },
});
