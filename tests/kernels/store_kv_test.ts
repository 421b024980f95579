import { assert, assertEquals } from "@std/assert";
import { storeKv } from "../../kernels/wgsl/store_kv.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";

const random = new Random(43);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

Deno.test({
  name: "store_kv.ts writes the rows of the tokens and no others" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const [tokens, cols] of [[1, 1], [3, 64], [5, 33]] as const) {
      const [k, v] = [normal(tokens * cols), normal(tokens * cols)];
      const outputs = await gpu.runAll([storeKv({ cols })], {
        outputs: [20 * cols, 20 * cols],
        inputs: [k, v],
        step: { tokens, position: 7 },
      });
      for (const [i, rows] of [k, v].entries()) {
        const cache = outputs[i]!;
        assertEquals(cache.slice(7 * cols, (7 + tokens) * cols), rows);
        assert(cache.subarray(0, 7 * cols).every(Number.isNaN));
        assert(cache.subarray((7 + tokens) * cols).every(Number.isNaN));
      }
    }
  },
});
