import { assert, assertEquals, assertLess } from "@std/assert";
import { activate } from "../../kernels/wgsl/activate.ts";
import { activationNames } from "../../lib/compute/backend.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu, plainTensor } from "../gpu.ts";

const random = new Random(31);
const normal = (n: number) => Float32Array.from({ length: n }, () => 3 * random.normal());

Deno.test({
  name: "activate.ts agrees with the plain backend" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const plain = new PlainBackend();
    for (const [tokens, cols] of [[1, 1], [3, 64], [5, 33], [2, 1000]] as const) {
      const [x, up] = [normal(tokens * cols), normal(tokens * cols)];
      for (const activation of activationNames) {
        for (const gated of [true, false]) {
          const kernel = activate({ cols, activation, gated });
          const inputs = gated ? [x, up] : [x];
          const out = await gpu.run(kernel, { length: tokens * cols, inputs, step: { tokens } });
          const expected = plain.tensor(tokens, cols);
          plain.activate(expected, plainTensor(plain, cols, x), {
            activation,
            up: gated ? plainTensor(plain, cols, up) : undefined,
          });
          assertLess(relativeError(out, await plain.read(expected)), 1e-5, `${kernel.name}, ${tokens}`);
        }
      }
    }
  },
});

Deno.test({
  name: "activate.ts has no NaN where e^−x is too large or too small for a float" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const gate = Float32Array.of(-1e30, -100, -89, -20, 0, 20, 89, 100, 1e30);
    for (const activation of activationNames) {
      const out = await gpu.run(activate({ cols: 9, activation, gated: true }), {
        length: 9,
        inputs: [gate, new Float32Array(9).fill(1)],
        step: { tokens: 1 },
      });
      const largest = activation === "gelu_new" ? 100 : 1e30; // it cubes
      assertEquals(out.slice(4, 8), Float32Array.of(0, 20, 89, 100));
      if (largest === 1e30) assertEquals(out[8], Math.fround(1e30));
      assert(out.subarray(0, 3).every((value) => Math.abs(value) < 1e-30), activation);
      if (activation !== "silu") continue;
      assertLess(relativeError(out.subarray(3, 4), Float32Array.of(-20 / (1 + Math.exp(20)))), 1e-5);
    }
  },
});
