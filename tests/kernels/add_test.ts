import { assertEquals } from "@std/assert";
import { add } from "../../kernels/wgsl/add.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";

const random = new Random(29);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

Deno.test({
  name: "add.ts adds in place, to the last bit" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const [tokens, cols] of [[1, 1], [3, 64], [5, 33], [1, 4096]] as const) {
      const [x, y] = [normal(tokens * cols), normal(tokens * cols)];
      const [out] = await gpu.runAll([add({ cols })], { outputs: [x], inputs: [y], step: { tokens } });
      assertEquals(out, x.map((value, i) => value + y[i]!), `${tokens} × ${cols}`);
    }
  },
});

Deno.test({
  name: "add.ts adds more vectors than a row of workgroups has threads" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const tokens = 65535 * 128 + 77;
    const x = Float32Array.from({ length: tokens }, (_, i) => i % 1000);
    const [out] = await gpu.runAll([add({ cols: 1 })], {
      outputs: [x],
      inputs: [new Float32Array(tokens).fill(1)],
      step: { tokens },
    });
    assertEquals(out!.findIndex((value, i) => value !== x[i]! + 1), -1);
  },
});
