import { assertLess } from "@std/assert";
import { rope } from "../../kernels/wgsl/rope.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu, plainTensor } from "../gpu.ts";

const random = new Random(41);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

Deno.test({
  name: "rope.ts agrees with the plain backend, near and far" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const plain = new PlainBackend();
    for (const [tokens, heads, half] of [[1, 1, 1], [3, 2, 32], [70, 3, 5]] as const) {
      for (const position of [0, 1, 1000, 30_000, 100_000, 1_000_000, 16_000_000]) {
        const cols = 2 * half * heads;
        // From 1 down to a ten thousandth radian a token, as Llama has them; one that does not turn, and some that turn back.
        const frequencies = Float32Array.from({ length: half }, (_, i) => 10_000 ** (-i / half));
        if (half === 32) frequencies[31] = 0;
        if (half === 5) frequencies.forEach((frequency, i) => frequencies[i] = (-1) ** i * frequency);
        const x = normal(tokens * cols);
        const [out] = await gpu.runAll([rope({ cols, half })], {
          outputs: [x],
          inputs: [frequencies],
          step: { tokens, position },
        });
        const expected = plainTensor(plain, cols, x);
        plain.rope(expected, { position, frequencies });
        const error = relativeError(out!, await plain.read(expected));
        assertLess(error, 5e-7, `${tokens} × ${heads} × ${half} at ${position}`);
      }
    }
  },
});
