import { assertLess } from "@std/assert";
import { columnSums } from "../../kernels/wgsl/column_sums.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu, plainTensor } from "../gpu.ts";

const random = new Random(53);

/** The kernel's sums and the oracle's, each of [3, cols]. */
async function sums(cols: number, x: Float32Array): Promise<[Float32Array, Float32Array]> {
  const gpu = await bench();
  const plain = new PlainBackend();
  const out = await gpu.run(columnSums({ cols }), {
    length: 3 * cols,
    inputs: [x],
    step: { tokens: x.length / cols },
  });
  return [out, Float32Array.from(await plain.columnSums(plainTensor(plain, cols, x)))];
}

Deno.test({
  name: "column_sums.ts agrees with sums in float64" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    for (const [tokens, cols] of [[1, 1], [3, 64], [13, 33], [4096, 40]] as const) {
      const x = Float32Array.from({ length: tokens * cols }, () => random.normal());
      const [out, expected] = await sums(cols, x);
      for (let row = 0; row < 3; row++) {
        const of = (all: Float32Array) => all.subarray(row * cols, (row + 1) * cols);
        assertLess(relativeError(of(out), of(expected)), 5e-7, `${tokens} × ${cols}, ${row}`);
      }
    }
  },
});

Deno.test({
  name: "column_sums.ts does not lose what is small beside the sum" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    // The eight large values come first, one a thread; added one by one to 10⁶, 0.01s would vanish.
    const x = Float32Array.from({ length: 4096 }, (_, t) => t < 8 ? 1e6 : 0.01);
    const [out, expected] = await sums(1, x);
    assertLess(Math.abs(out[0]! - expected[0]!), 1);
    assertLess(Math.abs(out[1]! - expected[1]!), 1);
    // Of values that all round to the same side, plain sums would drift away.
    const [drift, none] = await sums(1, new Float32Array(4096).fill(0.1));
    for (let row = 0; row < 3; row++) assertLess(Math.abs(drift[row]! / none[row]! - 1), 1e-7);
  },
});
